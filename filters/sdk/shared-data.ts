import { proxy_get_shared_data, proxy_set_shared_data } from "@solo-io/proxy-runtime/assembly/imports";
import { OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";
import { Bytes } from "./bytes";

/** Shared data: values that every VM with this vm_id sees, in the whole Envoy process. */

/**
 * Reads `key`. @returns its length in bytes, -1 when it is absent. The value is at `sharedValue()` until the next
 * callback, its version for compare-and-swap at `sharedVersion()`.
 */
export function getShared(key: Bytes): i32 {
  return proxy_get_shared_data(key.ptr, key.len, RESULT, RESULT + 4, RESULT + 8) == OK ? resultLen() : -1;
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
  return proxy_set_shared_data(key.ptr, key.len, ptr, len, version) == OK;
}

/** As a version: write only if the key is absent. No value ever has it. */
export const ABSENT: u32 = u32.MAX_VALUE;

/** Version to write with after `getShared` returned `length`. */
export function versionAfter(length: i32): u32 {
  return length < 0 ? ABSENT : sharedVersion();
}
