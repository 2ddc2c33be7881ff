import { proxy_get_property, proxy_set_property } from "@solo-io/proxy-runtime/assembly/imports";
import { Bytes, bytes } from "../bytes/bytes";
import { OK } from "./abi";
import { RESULT, resultLen, resultPtr } from "./arena";

/**
 * Path of a property as the ABI wants it: its parts, NUL between them. For literals at start.
 * @param last a part, which may have dots, behind a dot
 */
export function propertyPath(dotted: string, last: string = ""): Bytes {
  return bytes(dotted.replaceAll(".", "\0") + last);
}

/**
 * Reads a property of the host.
 * @returns its length in bytes, -1 when it is absent; the value is at `propertyValue()`.
 */
export function getProperty(path: Bytes): i32 {
  return proxy_get_property(path.ptr, path.len, RESULT, RESULT + 4) == OK ? resultLen() : -1;
}

export function propertyValue(): usize {
  return resultPtr();
}

/**
 * Stores filter state of the stream under `wasm.<name>`: later filters read it as property `<name>`, Envoy's
 * access log prints it with `%FILTER_STATE(wasm.<name>:PLAIN)%`. Clients cannot set it.
 */
export function setFilterState(name: Bytes, ptr: usize, len: i32): void {
  proxy_set_property(name.ptr, name.len, ptr, len);
}

/**
 * Reads a property that is a number; times and durations are in nanoseconds.
 * @returns -1 when it is absent
 */
export function getNumber(path: Bytes): i64 {
  return getProperty(path) == 8 ? load<i64>(resultPtr()) : -1;
}
