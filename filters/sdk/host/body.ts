import { proxy_get_buffer_bytes } from "@solo-io/proxy-runtime/assembly/imports";
import { OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";
import { proxy_set_buffer_bytes } from "./env";

/** Body chunks, and other buffers of the host such as configurations and callout replies. */

/**
 * Reads up to `length` bytes from `start` of a buffer.
 * @returns how many there are, 0 when none; they are at `bufferData()` until the next callback.
 */
export function readBuffer(bufferType: i32, start: u32, length: u32): i32 {
  return proxy_get_buffer_bytes(bufferType, start, length, RESULT, RESULT + 4) == OK ? resultLen() : 0;
}

export function bufferData(): usize {
  return resultPtr();
}

/** Replaces a whole chunk by [ptr, ptr + len); len 0 drops it. */
export function replaceBody(bufferType: i32, ptr: usize, len: i32): void {
  proxy_set_buffer_bytes(bufferType, 0, u32.MAX_VALUE, ptr, len);
}

/** Puts [ptr, ptr + len) behind a chunk that is not empty. */
export function appendBody(bufferType: i32, ptr: usize, len: i32): void {
  proxy_set_buffer_bytes(bufferType, u32.MAX_VALUE, 0, ptr, len);
}
