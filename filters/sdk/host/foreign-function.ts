import { proxy_call_foreign_function } from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes } from "../bytes/bytes";
import { OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";

/**
 * Calls a function that the host has beyond the ABI (in Envoy: `verify_signature`, `compress` ...).
 * @returns the length of its result, -1 when it failed or does not exist; the result is at `foreignResult()`
 *   until the next callback.
 */
export function callForeign(name: Bytes, args: usize, size: i32): i32 {
  return proxy_call_foreign_function(name.ptr, name.len, args, size, RESULT, RESULT + 4) == OK
    ? resultLen()
    : -1;
}

export function foreignResult(): usize {
  return resultPtr();
}
