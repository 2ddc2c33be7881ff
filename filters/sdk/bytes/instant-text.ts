import { ByteBuffer } from "./byte-buffer";
import { Char } from "./chars";

const MILLISECONDS_PER_DAY: u64 = 86_400_000;
const LENGTH: i32 = 24;

/** Appends a time as RFC 3339 writes it: `2026-01-31T12:00:00.123Z`. @param milliseconds since 1970 */
export function appendInstant(out: ByteBuffer, milliseconds: u64): void {
  out.reserve(LENGTH);
  const to = out.end;
  let rest = <u32>(milliseconds % MILLISECONDS_PER_DAY);
  appendDate(to, <u32>(milliseconds / MILLISECONDS_PER_DAY));
  put(to + 20, rest % 1000, 3);
  rest /= 1000;
  put(to + 17, rest % 60, 2);
  rest /= 60;
  put(to + 14, rest % 60, 2);
  put(to + 11, rest / 60, 2);
  store<u8>(to + 10, Char.T);
  store<u8>(to + 13, Char.COLON);
  store<u8>(to + 16, Char.COLON);
  store<u8>(to + 19, Char.DOT);
  store<u8>(to + 23, Char.Z);
  out.len += LENGTH;
}

/**
 * The Gregorian date of a number of days from 1970-01-01 (Hinnant, "chrono-compatible low-level date
 * algorithms").
 */
function appendDate(to: usize, days: u32): void {
  const shifted = days + 719468;
  const era = shifted / 146097;
  const dayOfEra = shifted - era * 146097;
  const yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146096) / 365;
  const dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const shiftedMonth = (5 * dayOfYear + 2) / 153;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  put(to, yearOfEra + era * 400 + u32(month <= 2), 4);
  put(to + 5, month, 2);
  put(to + 8, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2);
  store<u8>(to + 4, Char.MINUS);
  store<u8>(to + 7, Char.MINUS);
}

/** Writes `value` with so many digits. */
function put(to: usize, value: u32, digits: i32): void {
  for (let i = digits - 1; i >= 0; i--) {
    store<u8>(to + i, Char._0 + <u8>(value % 10));
    value /= 10;
  }
}
