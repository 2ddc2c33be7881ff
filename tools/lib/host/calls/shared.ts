import { EMPTY, NOT_FOUND, OK } from "../status.ts";
import type { HostCall, VmState } from "../vm-state.ts";

/** Data and queues that the VMs of a process share. */
export function sharedCalls(vm: VmState): Record<string, HostCall> {
  const { sharedData, queues } = vm.process;
  // Keys are bytes, such as the number of a set: as UTF-8 those that are none would be one key.
  const keyAt = (ptr: number, size: number) => Buffer.from(vm.bytes(ptr, size)).toString("latin1");
  return {
    proxy_get_shared_data(key: number, size: number, ptrOut: number, sizeOut: number, casOut: number) {
      const held = sharedData.get(keyAt(key, size));
      if (!held) return NOT_FOUND;
      vm.setWord(casOut, held.cas);
      return vm.give(held.value, ptrOut, sizeOut);
    },
    proxy_set_shared_data: (key: number, size: number, ptr: number, length: number, cas: number) =>
      vm.process.setShared(keyAt(key, size), vm.bytes(ptr, length), cas),
    proxy_register_shared_queue(name: number, size: number, out: number) {
      const key = vm.text(name, size);
      if (!queues.has(key)) queues.set(key, []);
      vm.setWord(out, [...queues.keys()].indexOf(key));
      return OK;
    },
    proxy_enqueue_shared_queue(queue: number, ptr: number, size: number) {
      [...queues.values()][queue]?.push(vm.bytes(ptr, size));
      return OK;
    },
    proxy_dequeue_shared_queue(queue: number, ptrOut: number, sizeOut: number) {
      const value = [...queues.values()][queue]?.shift();
      return value ? vm.give(value, ptrOut, sizeOut) : EMPTY;
    },
  };
}
