import { NOT_FOUND, OK } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

/** What the stream, and Envoy's process, know by path. */
export function propertyCalls(vm: VmState): Record<string, HostCall> {
  return {
    proxy_get_property(path: number, size: number, ptrOut: number, sizeOut: number) {
      const name = vm.text(path, size);
      const value =
        vm.stream?.filterState.get(name) ??
        vm.stream?.properties.get(name) ??
        vm.process.properties.get(name);
      if (value === undefined) return NOT_FOUND;
      return vm.give(typeof value === "bigint" ? littleEndian(value) : vm.encode(value), ptrOut, sizeOut);
    },
    proxy_set_property(path: number, size: number, ptr: number, length: number) {
      vm.current.filterState.set(vm.text(path, size), vm.text(ptr, length));
      return OK;
    },
  };
}

/** A number as a property has it: 8 bytes. */
function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, value, true);
  return bytes;
}
