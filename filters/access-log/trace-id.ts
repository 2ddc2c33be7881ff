import { Slice } from "../sdk/headers";

/** Lengths within `<version>-<trace id>-<parent id>-<flags>` of version 00. */
const LENGTH: i32 = 55;
const TRACE_ID: i32 = 3;
const TRACE_ID_LENGTH: i32 = 32;
const PARENT_ID: i32 = 36;
const PARENT_ID_LENGTH: i32 = 16;
const FLAGS: i32 = 53;

const DASH: u8 = 0x2d;

/**
 * Narrows a `traceparent` to its trace id, or to nothing when it is not what W3C Trace Context (section 3.2) says: lower-case
 * hexadecimal, no version ff, no id of zeros only; later versions may have more behind a dash.
 */
export function narrowToTraceId(value: Slice): void {
  const ptr = value.ptr;
  const valid =
    value.len >= LENGTH &&
    isHex(ptr, 2) &&
    load<u16>(ptr) != 0x66_66 &&
    load<u8>(ptr + 2) == DASH &&
    isHex(ptr + TRACE_ID, TRACE_ID_LENGTH) &&
    !isZero(ptr + TRACE_ID, TRACE_ID_LENGTH) &&
    load<u8>(ptr + PARENT_ID - 1) == DASH &&
    isHex(ptr + PARENT_ID, PARENT_ID_LENGTH) &&
    !isZero(ptr + PARENT_ID, PARENT_ID_LENGTH) &&
    load<u8>(ptr + FLAGS - 1) == DASH &&
    isHex(ptr + FLAGS, 2) &&
    (value.len == LENGTH || (load<u16>(ptr) != 0x30_30 && load<u8>(ptr + LENGTH) == DASH));
  value.ptr += TRACE_ID;
  value.len = valid ? TRACE_ID_LENGTH : 0;
}

function isHex(ptr: usize, len: i32): bool {
  for (let i: i32 = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c - 0x30 >= 10 && c - 0x61 >= 6) return false;
  }
  return true;
}

function isZero(ptr: usize, len: i32): bool {
  for (let i: i32 = 0; i < len; i++) if (load<u8>(ptr + i) != 0x30) return false;
  return true;
}
