import { Char } from "../sdk/bytes/chars";
import { Slice } from "../sdk/bytes/slice";

/** Lengths within `<version>-<trace id>-<parent id>-<flags>` of version 00. */
const LENGTH: i32 = 55;
const TRACE_ID: i32 = 3;
const TRACE_ID_LENGTH: i32 = 32;
const PARENT_ID: i32 = 36;
const PARENT_ID_LENGTH: i32 = 16;
const FLAGS: i32 = 53;

/**
 * Where the 56 random bits of the trace id (W3C Trace Context Level 2, section 3.2.2.3) begin in a
 * `traceparent`.
 */
export const RANDOM_BITS: i32 = 21;
const LAST_DIGITS: i32 = 19;
const LAST_DIGITS_LENGTH: i32 = 16;

/**
 * Has a `traceparent` what a sample goes by: its parts where they belong, and hexadecimal digits at the end
 * of the trace id? Envoy's own logger tells as much by a regular expression
 * (tools/lib/envoy/trace-threshold.ts).
 */
export function hasRandomBits(value: Slice): bool {
  const ptr = value.ptr;
  return (
    value.len >= LENGTH &&
    load<u8>(ptr + TRACE_ID - 1) == Char.MINUS &&
    load<u8>(ptr + PARENT_ID - 1) == Char.MINUS &&
    load<u8>(ptr + FLAGS - 1) == Char.MINUS &&
    isHex(ptr + LAST_DIGITS, LAST_DIGITS_LENGTH) &&
    (value.len == LENGTH || load<u8>(ptr + LENGTH) == Char.MINUS)
  );
}

/**
 * Narrows a `traceparent` to its trace id, or to nothing when it is not what W3C Trace Context (section 3.2)
 * says: lower-case hexadecimal, no version ff, no id of zeros only; later versions may have more behind a
 * dash.
 */
export function narrowToTraceId(value: Slice): void {
  const ptr = value.ptr;
  const valid =
    value.len >= LENGTH &&
    isDigit(load<u8>(ptr)) &&
    isDigit(load<u8>(ptr + 1)) &&
    (load<u8>(ptr) != Char.f || load<u8>(ptr + 1) != Char.f) &&
    load<u8>(ptr + 2) == Char.MINUS &&
    isHex(ptr + TRACE_ID, TRACE_ID_LENGTH) &&
    !isZero(ptr + TRACE_ID, TRACE_ID_LENGTH) &&
    load<u8>(ptr + PARENT_ID - 1) == Char.MINUS &&
    isHex(ptr + PARENT_ID, PARENT_ID_LENGTH) &&
    !isZero(ptr + PARENT_ID, PARENT_ID_LENGTH) &&
    load<u8>(ptr + FLAGS - 1) == Char.MINUS &&
    isDigit(load<u8>(ptr + FLAGS)) &&
    isDigit(load<u8>(ptr + FLAGS + 1)) &&
    (value.len == LENGTH ||
      ((load<u8>(ptr) != Char._0 || load<u8>(ptr + 1) != Char._0) && load<u8>(ptr + LENGTH) == Char.MINUS));
  value.ptr += TRACE_ID;
  value.len = valid ? TRACE_ID_LENGTH : 0;
}

function isDigit(c: u8): bool {
  return c - Char._0 < 10 || c - Char.a < 6;
}

const ONES: u64 = 0x0101010101010101;
const HIGH: u64 = 0x8080808080808080;

/**
 * Are `len` bytes, a multiple of 8, lower-case hexadecimal digits? (SWAR: with ASCII only, no sum carries
 * into the next byte.)
 */
function isHex(ptr: usize, len: i32): bool {
  for (let i: i32 = 0; i < len; i += 8) {
    const word = load<u64>(ptr + i);
    const digits = (word + ONES * 0x50) & ~(word + ONES * 0x46);
    const letters = (word + ONES * 0x1f) & ~(word + ONES * 0x19);
    if ((word & HIGH) != 0 || ((digits | letters) & HIGH) != HIGH) return false;
  }
  return true;
}

function isZero(ptr: usize, len: i32): bool {
  for (let i: i32 = 0; i < len; i += 8) if (load<u64>(ptr + i) != ONES * Char._0) return false;
  return true;
}
