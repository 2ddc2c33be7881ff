import {
  proxy_dequeue_shared_queue,
  proxy_enqueue_shared_queue,
  proxy_register_shared_queue,
} from "@solo-io/proxy-runtime/assembly/imports";
import { bytes } from "../bytes/bytes";
import { OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";

/** Queues that every VM with this vm_id sees, in the whole Envoy process. The host bounds none of them. */

/** @returns the host's number of the queue `name`, made if need be; what is in it stays */
export function registerQueue(name: string): u32 {
  const text = bytes(name);
  proxy_register_shared_queue(text.ptr, text.len, RESULT);
  return load<u32>(RESULT);
}

/** Puts a copy of [ptr, ptr + len) at the end. */
export function enqueue(queue: u32, ptr: usize, len: i32): bool {
  return proxy_enqueue_shared_queue(queue, ptr, len) == OK;
}

/**
 * Takes what is first.
 * @returns its length, -1 when there is nothing; it is at `queueData()` until the next callback.
 */
export function dequeue(queue: u32): i32 {
  return proxy_dequeue_shared_queue(queue, RESULT, RESULT + 4) == OK ? resultLen() : -1;
}

export function queueData(): usize {
  return resultPtr();
}
