/** Longest int64: a minus sign and 19 digits. */
export const MAX_I64_TEXT: i32 = 20;

const PAIRS: usize = memory.data(200);
for (let i: u32 = 0; i < 100; i++) store<u16>(PAIRS + (i << 1), <u16>(0x3030 + i / 10 + ((i % 10) << 8)));

export function digitCount(value: u64): i32 {
  let digits = 1;
  while (value >= 10000) {
    value /= 10000;
    digits += 4;
  }
  return digits + (value >= 1000 ? 3 : value >= 100 ? 2 : value >= 10 ? 1 : 0);
}

/** Writes exactly `digits` decimal digits of `value`, with leading zeros if it has fewer. @returns the byte after. */
export function writeDigits(value: u64, digits: i32, out: usize): usize {
  let at = out + digits;
  while (at >= out + 2) {
    at -= 2;
    store<u16>(at, load<u16>(PAIRS + ((<usize>(value % 100)) << 1)));
    value /= 100;
  }
  if (at > out) store<u8>(out, 0x30 + <u8>(value % 10));
  return out + digits;
}

/** Writes `value` in decimal. @returns the byte after it. */
export function writeI64(value: i64, out: usize): usize {
  let magnitude = <u64>value;
  if (value < 0) {
    store<u8>(out++, 0x2d);
    magnitude = 0 - magnitude;
  }
  return writeDigits(magnitude, digitCount(magnitude), out);
}
