/**
 * SipHash-2-4 with a 128-bit result (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its
 * reference implementation's 128-bit mode): a keyed hash whose collisions nobody finds who does not know the
 * key.
 */

/**
 * The result of the last `sipHash128`, its two halves. Variables of the module: each request compares them
 * with what is remembered, entry by entry.
 */
export let sipLow: u64 = 0;
export let sipHigh: u64 = 0;

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;

/** Hashes [ptr, ptr + len) under the 128-bit key (k0, k1). */
export function sipHash128(ptr: usize, len: i32, k0: u64, k1: u64): void {
  let a = k0 ^ 0x736f6d6570736575;
  let b = k1 ^ 0x646f72616e646f6d ^ 0xee;
  let c = k0 ^ 0x6c7967656e657261;
  let d = k1 ^ 0x7465646279746573;
  const whole = ptr + (len & ~7);
  for (let at = ptr; at < whole; at += 8) {
    const word = load<u64>(at);
    d ^= word;
    for (let round = 0; round < 2; round++) {
      a += b;
      c += d;
      b = rotl<u64>(b, 13) ^ a;
      d = rotl<u64>(d, 16) ^ c;
      a = rotl<u64>(a, 32);
      c += b;
      a += d;
      b = rotl<u64>(b, 17) ^ c;
      d = rotl<u64>(d, 21) ^ a;
      c = rotl<u64>(c, 32);
    }
    a ^= word;
  }
  v0 = a;
  v1 = b;
  v2 = c;
  v3 = d;
  let last = (<u64>len) << 56;
  for (let i = 0; i < (len & 7); i++) last |= (<u64>load<u8>(whole + i)) << (i << 3);
  v3 ^= last;
  rounds(2);
  v0 ^= last;
  v2 ^= 0xee;
  rounds(4);
  sipLow = v0 ^ v1 ^ v2 ^ v3;
  v1 ^= 0xdd;
  rounds(4);
  sipHigh = v0 ^ v1 ^ v2 ^ v3;
}

function rounds(count: i32): void {
  for (let round = 0; round < count; round++) {
    v0 += v1;
    v2 += v3;
    v1 = rotl<u64>(v1, 13) ^ v0;
    v3 = rotl<u64>(v3, 16) ^ v2;
    v0 = rotl<u64>(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = rotl<u64>(v1, 17) ^ v2;
    v3 = rotl<u64>(v3, 21) ^ v0;
    v2 = rotl<u64>(v2, 32);
  }
}
