import { NOT_FOUND } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

const CALLOUT_BODY = 4;
const CONFIGURATION = 7;

/** Bodies, of streams and of replies to callouts, and the plug-in's configuration. */
export function bodyCalls(vm: VmState): Record<string, HostCall> {
  return {
    proxy_get_buffer_bytes(type: number, start: number, length: number, ptrOut: number, sizeOut: number) {
      const part = buffer(vm, type)?.subarray(start, start + length);
      return part === undefined || part.length === 0 ? NOT_FOUND : vm.give(part, ptrOut, sizeOut);
    },
    proxy_set_buffer_bytes: (_type: number, start: number, length: number, ptr: number, size: number) =>
      vm.current.editBody(start, length >>> 0, vm.bytes(ptr, size)),
  };
}

function buffer(vm: VmState, type: number): Uint8Array | undefined {
  if (type === CONFIGURATION) return vm.configuration;
  return type === CALLOUT_BODY ? vm.calloutReply?.body : vm.current.body;
}
