import { type HeaderList, serialise } from "../header-pairs.ts";
import { OK } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

const CALLOUT_HEADERS = 6;
const CALLOUT_TRAILERS = 7;

/** Header maps of the stream; of a callout's reply the status and the trailers are there. */
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
      const key = vm.text(name, nameSize);
      const values = mapOf(vm, type).filter(([header]) => header === key);
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

function mapOf(vm: VmState, type: number): HeaderList {
  if (type === CALLOUT_HEADERS) return [[":status", String(vm.calloutReply?.status)]];
  return type === CALLOUT_TRAILERS ? (vm.calloutReply?.trailers ?? []) : vm.current.map(type);
}
