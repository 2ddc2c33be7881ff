import { serialise } from "../header-pairs.ts";
import { OK } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

const CALLOUT_HEADERS = 6;

/** Header maps of the stream; of a callout's reply only the status is there. */
export function headerCalls(vm: VmState): Record<string, HostCall> {
  return {
    proxy_get_header_map_pairs(type: number, ptrOut: number, sizeOut: number) {
      const map = vm.current.map(type);
      const pairs = map.length === 0 ? new Uint8Array() : serialise(map, vm.encoding);
      return vm.give(pairs, ptrOut, sizeOut);
    },
    proxy_get_header_map_value(
      type: number,
      name: number,
      nameSize: number,
      ptrOut: number,
      sizeOut: number,
    ) {
      if (type === CALLOUT_HEADERS)
        return vm.give(vm.encode(String(vm.calloutReply?.status)), ptrOut, sizeOut);
      const key = vm.text(name, nameSize);
      const values = vm.current.map(type).filter(([header]) => header === key);
      return vm.give(vm.encode(values.map(([, each]) => each).join(",")), ptrOut, sizeOut);
    },
    proxy_replace_header_map_value(type: number, name: number, nameSize: number, ptr: number, size: number) {
      const key = vm.text(name, nameSize);
      vm.current.remove(type, key);
      vm.current.map(type).push([key, vm.text(ptr, size)]);
      return OK;
    },
    proxy_remove_header_map_value(type: number, name: number, nameSize: number) {
      vm.current.remove(type, vm.text(name, nameSize));
      return OK;
    },
  };
}
