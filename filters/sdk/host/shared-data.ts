import { proxy_get_shared_data, proxy_set_shared_data } from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes } from "../bytes/bytes";
import { OK } from "./abi";
import { directNextAllocation, RESULT, resultLen, resultPtr } from "./arena";

/** Shared data: values that every VM with this vm_id sees, in the whole Envoy process. */

/**
 * Version of a key that does not exist. Envoy checks versions of existing keys only, so that writing with
 * this one creates the key unless another VM was first, where version 0 would overwrite it.
 */
const ABSENT: u32 = u32.MAX_VALUE;

/**
 * Reads `key`.
 * @returns its length in bytes, -1 when it is absent. The value is at `sharedValue()` until the next
 *   callback, its version for compare-and-swap at `sharedVersion()`.
 */
export function getShared(key: Bytes): i32 {
  return getSharedAt(key.ptr, key.len);
}

/** As `getShared`, for the key [ptr, ptr + len). */
export function getSharedAt(ptr: usize, len: i32): i32 {
  if (proxy_get_shared_data(ptr, len, RESULT, RESULT + 4, RESULT + 8) == OK) return resultLen();
  store<u32>(RESULT, ABSENT, 8);
  return -1;
}

/**
 * As `getShared`, with the value at `to`: a callback that reads many takes no memory of the arena for it.
 * @param room how many bytes fit at `to`; a longer value is cut
 */
export function readShared(key: Bytes, to: usize, room: i32): i32 {
  directNextAllocation(to, room);
  const length = getShared(key);
  directNextAllocation(0, 0);
  const kept = min(length, room);
  if (kept > 0 && sharedValue() != to) memory.copy(to, sharedValue(), kept);
  return kept;
}

export function sharedValue(): usize {
  return resultPtr();
}

export function sharedVersion(): u32 {
  return load<u32>(RESULT + 8);
}

/**
 * Writes `key` if its version is still `version`; 0 writes always.
 * @returns false when another VM wrote first: read again and retry.
 */
export function setShared(key: Bytes, ptr: usize, len: i32, version: u32): bool {
  return setSharedAt(key.ptr, key.len, ptr, len, version);
}

/** As `setShared`, for the key [key, key + keyLen). */
export function setSharedAt(key: usize, keyLen: i32, ptr: usize, len: i32, version: u32): bool {
  return proxy_set_shared_data(key, keyLen, ptr, len, version) == OK;
}
