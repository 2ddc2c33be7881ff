/** Checksums of what gzip (RFC 1952, section 8) and zlib (RFC 1950, section 9) hold. */

const CRC_POLYNOMIAL: u32 = 0xedb88320;
const CRC_TABLE: usize = memory.data(256 * 4);
for (let i: u32 = 0; i < 256; i++) {
  let value = i;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ CRC_POLYNOMIAL : value >> 1;
  store<u32>(CRC_TABLE + ((<usize>i) << 2), value);
}

/** CRC-32 of [ptr, ptr + len), continued from `crc`; 0 at first. */
export function crc32(crc: u32, ptr: usize, len: i32): u32 {
  let value = ~crc;
  const end = ptr + len;
  for (let at = ptr; at < end; at++) {
    value = load<u32>(CRC_TABLE + ((<usize>((value ^ load<u8>(at)) & 0xff)) << 2)) ^ (value >> 8);
  }
  return ~value;
}

const ADLER_MODULUS: u32 = 65_521;
/** So many bytes, and the sums still fit in 32 bits. */
const ADLER_RUN: usize = 5552;

/** Adler-32 of [ptr, ptr + len), continued from `adler`; 1 at first. */
export function adler32(adler: u32, ptr: usize, len: i32): u32 {
  let low = adler & 0xffff;
  let high = adler >> 16;
  const end = ptr + len;
  let at = ptr;
  while (at < end) {
    const stop = min(end, at + ADLER_RUN);
    for (; at < stop; at++) {
      low += load<u8>(at);
      high += low;
    }
    low %= ADLER_MODULUS;
    high %= ADLER_MODULUS;
  }
  return (high << 16) | low;
}
