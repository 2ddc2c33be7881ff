/**
 * Poly1305 (RFC 8439, section 2.5) of messages of whole blocks of 16 bytes, as AEAD_CHACHA20_POLY1305 makes
 * them. Numbers below 2^130 are five limbs of 26 bits.
 */

const LIMB: u64 = 0x3ffffff;
const BLOCK: usize = 16;

/** Writes the 16 bytes of the tag to `out`. @param key 32 bytes, for this message only */
export function poly1305(key: usize, ptr: usize, len: i32, out: usize): void {
  const r0: u64 = <u64>load<u32>(key) & 0x3ffffff;
  const r1: u64 = <u64>(load<u32>(key + 3) >> 2) & 0x3ffff03;
  const r2: u64 = <u64>(load<u32>(key + 6) >> 4) & 0x3ffc0ff;
  const r3: u64 = <u64>(load<u32>(key + 9) >> 6) & 0x3f03fff;
  const r4: u64 = <u64>(load<u32>(key + 12) >> 8) & 0x00fffff;
  let h0: u64 = 0;
  let h1: u64 = 0;
  let h2: u64 = 0;
  let h3: u64 = 0;
  let h4: u64 = 0;
  const end = ptr + <usize>len;
  for (let at = ptr; at < end; at += BLOCK) {
    h0 += <u64>load<u32>(at) & LIMB;
    h1 += <u64>(load<u32>(at + 3) >> 2) & LIMB;
    h2 += <u64>(load<u32>(at + 6) >> 4) & LIMB;
    h3 += <u64>(load<u32>(at + 9) >> 6) & LIMB;
    h4 += <u64>(load<u32>(at + 12) >> 8) | (1 << 24);
    const d0 = h0 * r0 + 5 * (h1 * r4 + h2 * r3 + h3 * r2 + h4 * r1);
    let d1 = h0 * r1 + h1 * r0 + 5 * (h2 * r4 + h3 * r3 + h4 * r2);
    let d2 = h0 * r2 + h1 * r1 + h2 * r0 + 5 * (h3 * r4 + h4 * r3);
    let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + 5 * (h4 * r4);
    let d4 = h0 * r4 + h1 * r3 + h2 * r2 + h3 * r1 + h4 * r0;
    d1 += d0 >> 26;
    d2 += d1 >> 26;
    d3 += d2 >> 26;
    d4 += d3 >> 26;
    h0 = (d0 & LIMB) + (d4 >> 26) * 5;
    h1 = (d1 & LIMB) + (h0 >> 26);
    h0 &= LIMB;
    h2 = d2 & LIMB;
    h3 = d3 & LIMB;
    h4 = d4 & LIMB;
  }
  for (let round = 0; round < 2; round++) {
    h1 += h0 >> 26;
    h2 += h1 >> 26;
    h3 += h2 >> 26;
    h4 += h3 >> 26;
    h0 = (h0 & LIMB) + (h4 >> 26) * 5;
    h1 &= LIMB;
    h2 &= LIMB;
    h3 &= LIMB;
    h4 &= LIMB;
  }
  h1 += h0 >> 26;
  h0 &= LIMB;
  // h - p, whose top limb has a borrow when h is below p = 2^130 - 5.
  let g0 = h0 + 5;
  let g1 = h1 + (g0 >> 26);
  let g2 = h2 + (g1 >> 26);
  let g3 = h3 + (g2 >> 26);
  const g4 = h4 + (g3 >> 26) - (1 << 26);
  if (<i64>g4 >= 0) {
    g0 &= LIMB;
    g1 &= LIMB;
    g2 &= LIMB;
    g3 &= LIMB;
    h0 = g0;
    h1 = g1;
    h2 = g2;
    h3 = g3;
    h4 = g4;
  }
  let sum: u64 = ((h0 | (h1 << 26)) & 0xffffffff) + <u64>load<u32>(key + 16);
  store<u32>(out, <u32>sum);
  sum = (((h1 >> 6) | (h2 << 20)) & 0xffffffff) + <u64>load<u32>(key + 20) + (sum >> 32);
  store<u32>(out + 4, <u32>sum);
  sum = (((h2 >> 12) | (h3 << 14)) & 0xffffffff) + <u64>load<u32>(key + 24) + (sum >> 32);
  store<u32>(out + 8, <u32>sum);
  sum = (((h3 >> 18) | (h4 << 8)) & 0xffffffff) + <u64>load<u32>(key + 28) + (sum >> 32);
  store<u32>(out + 12, <u32>sum);
}
