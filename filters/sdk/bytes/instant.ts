import { Char } from "./chars";
/** Times of RFC 3339 (`2026-01-31T12:00:00Z`, `...+01:00`, with or without a fraction of a second). */

/**
 * Seconds since 1970 of an RFC 3339 time, fractions dropped.
 * @returns -1 for another text, or a time before 1970
 */
export function parseInstant(text: string): i64 {
  if (text.length < 20) return -1;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 2);
  const day = digits(text, 8, 2);
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const second = digits(text, 17, 2);
  const separators = text.charAt(4) + text.charAt(7) + text.charAt(10) + text.charAt(13) + text.charAt(16);
  if (separators.toUpperCase() != "--T::") return -1;
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > 31) return -1;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
  let at = 19;
  if (text.charAt(at) == ".") {
    do at++;
    while (at < text.length && digits(text, at, 1) >= 0);
    if (at == 20) return -1;
  }
  const offset = offsetSeconds(text.substring(at));
  if (offset == NO_OFFSET) return -1;
  const seconds = daysSince1970(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
  return seconds < 0 ? -1 : seconds;
}

const NO_OFFSET: i32 = i32.MIN_VALUE;

function offsetSeconds(zone: string): i32 {
  if (zone == "Z" || zone == "z") return 0;
  if (zone.length != 6 || zone.charAt(3) != ":") return NO_OFFSET;
  const hours = digits(zone, 1, 2);
  const minutes = digits(zone, 4, 2);
  const sign = zone.charAt(0);
  if ((sign != "+" && sign != "-") || hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
    return NO_OFFSET;
  const offset = hours * 3600 + minutes * 60;
  return sign == "-" ? -offset : offset;
}

function digits(text: string, from: i32, count: i32): i32 {
  let value = 0;
  for (let i = from; i < from + count; i++) {
    const digit = text.charCodeAt(i) - Char._0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/**
 * Days from 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
 */
function daysSince1970(year: i32, month: i32, day: i32): i64 {
  const shifted = month <= 2 ? year - 1 : year;
  const era = shifted / 400;
  const yearOfEra = shifted - era * 400;
  const dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
  return <i64>era * 146097 + dayOfEra - 719468;
}
