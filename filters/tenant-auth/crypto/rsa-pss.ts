import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { equalDigests } from "./equal-digests";
import { SHA256_SIZE, sha256 } from "./sha256";

/**
 * RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8017, sections 8.1.2 and 9.1.2),
 * which is PS256 of RFC 7518: Envoy's `verify_signature` knows only the older RSA padding. Public keys are
 * 2048 to 4096 bits long with exponent 65537. Nothing here is secret, so nothing here runs in constant time.
 */

export const RSA_MAX_BYTES: i32 = 512;
const SALT: i32 = 32;

/** Numbers are limbs of 32 bits, the least first; one more than the modulus has where a sum may carry. */
const modulus: usize = memory.data(RSA_MAX_BYTES + 4, 8);
const base: usize = memory.data(RSA_MAX_BYTES + 4, 8);
const power: usize = memory.data(RSA_MAX_BYTES + 4, 8);
const product: usize = memory.data(RSA_MAX_BYTES + 8, 8);
const square: usize = memory.data(RSA_MAX_BYTES + 4, 8);
const encoded: usize = memory.data(RSA_MAX_BYTES, 8);
const digest: usize = memory.data(SHA256_SIZE, 8);
const expected: usize = memory.data(SHA256_SIZE, 8);
const seeded: ByteBuffer = new ByteBuffer();

function fromBigEndian(to: usize, ptr: usize, len: i32): void {
  for (let i: i32 = 0; i < len; i += 4) store<u32>(to + i, bswap<u32>(load<u32>(ptr + len - 4 - i)));
}

/** Is a < b? */
function less(a: usize, b: usize, limbs: i32): bool {
  for (let i = limbs - 1; i >= 0; i--) {
    const x = load<u32>(a + (i << 2));
    const y = load<u32>(b + (i << 2));
    if (x != y) return x < y;
  }
  return false;
}

function subtractModulus(a: usize, limbs: i32): void {
  let borrow: u64 = 0;
  for (let i = 0; i < limbs; i++) {
    const at = i << 2;
    const difference = <u64>load<u32>(a + at) - <u64>load<u32>(modulus + at) - borrow;
    store<u32>(a + at, <u32>difference);
    borrow = (difference >> 32) & 1;
  }
}

/** a = 2 a mod modulus. */
function double(a: usize, limbs: i32): void {
  let carry: u32 = 0;
  for (let i = 0; i < limbs; i++) {
    const limb = load<u32>(a + (i << 2));
    store<u32>(a + (i << 2), (limb << 1) | carry);
    carry = limb >> 31;
  }
  if (carry != 0 || !less(a, modulus, limbs)) subtractModulus(a, limbs);
}

/** -1 / odd modulo 2^32, by Newton's iteration. */
function negativeInverse(odd: u32): u32 {
  let inverse = odd;
  for (let i = 0; i < 5; i++) inverse *= 2 - odd * inverse;
  return 0 - inverse;
}

/**
 * out = a b / 2^(32 limbs) mod modulus: Montgomery multiplication, coarsely integrated (Koc, Acar, Kaliski
 * 1996).
 */
function multiply(out: usize, a: usize, b: usize, limbs: i32, inverse: u32): void {
  const end = limbs << 2;
  memory.fill(product, 0, end + 8);
  for (let i = 0; i < end; i += 4) {
    const factor = <u64>load<u32>(b + i);
    let carry: u64 = 0;
    for (let j = 0; j < end; j += 4) {
      const sum = <u64>load<u32>(product + j) + <u64>load<u32>(a + j) * factor + carry;
      store<u32>(product + j, <u32>sum);
      carry = sum >> 32;
    }
    let top = <u64>load<u32>(product + end) + carry;
    store<u32>(product + end, <u32>top);
    store<u32>(product + end, <u32>(top >> 32), 4);
    const low: u32 = load<u32>(product);
    const quotient: u64 = low * inverse;
    carry = (<u64>low + quotient * <u64>load<u32>(modulus)) >> 32;
    for (let j = 4; j < end; j += 4) {
      const sum = <u64>load<u32>(product + j) + quotient * <u64>load<u32>(modulus + j) + carry;
      store<u32>(product + j - 4, <u32>sum);
      carry = sum >> 32;
    }
    top = <u64>load<u32>(product + end) + carry;
    store<u32>(product + end - 4, <u32>top);
    store<u32>(product + end, load<u32>(product + end, 4) + <u32>(top >> 32));
  }
  if (load<u32>(product + end) != 0 || !less(product, modulus, limbs)) subtractModulus(product, limbs);
  memory.copy(out, product, end);
}

/**
 * `encoded` = signature ^ 65537 mod modulus, big-endian.
 * @returns false when the signature is not below the modulus.
 */
function publicOperation(n: usize, signature: usize, size: i32): bool {
  const limbs = size >> 2;
  fromBigEndian(modulus, n, size);
  fromBigEndian(base, signature, size);
  if ((load<u8>(modulus) & 1) == 0 || !less(base, modulus, limbs)) return false;
  const inverse = negativeInverse(load<u32>(modulus));
  // 2^(64 limbs) mod n: from 2^(32 limbs) - n, which is below n because n has its top bit set, by doubling.
  memory.fill(square, 0, size);
  subtractModulus(square, limbs);
  for (let i = 0; i < limbs << 5; i++) double(square, limbs);
  multiply(base, base, square, limbs, inverse);
  memory.copy(power, base, size);
  for (let i = 0; i < 16; i++) multiply(power, power, power, limbs, inverse);
  multiply(power, power, base, limbs, inverse);
  memory.fill(base, 0, size);
  store<u32>(base, 1);
  multiply(power, power, base, limbs, inverse);
  for (let i: i32 = 0; i < size; i += 4) store<u32>(encoded + i, bswap<u32>(load<u32>(power + size - 4 - i)));
  return true;
}

/**
 * Is this the PS256 signature of [text, text + len)?
 * @param n modulus, big-endian, `size` bytes, a multiple of 4 from 256 to RSA_MAX_BYTES with its top bit set
 */
export function verifyPs256(n: usize, size: i32, signature: usize, text: usize, len: i32): bool {
  if (!publicOperation(n, signature, size)) return false;
  const masked = size - SHA256_SIZE - 1;
  const hash = encoded + masked;
  if (load<u8>(encoded + size - 1) != 0xbc || load<u8>(encoded) >= 0x80) return false;
  seeded.clear();
  seeded.append(hash, SHA256_SIZE);
  seeded.reserve(4);
  for (let at: i32 = 0, counter: u32 = 0; at < masked; at += SHA256_SIZE, counter++) {
    store<u32>(seeded.end, bswap<u32>(counter));
    sha256(seeded.ptr, SHA256_SIZE + 4, digest);
    for (let i: i32 = 0; i < SHA256_SIZE && at + i < masked; i++) {
      const to = encoded + at + i;
      store<u8>(to, load<u8>(to) ^ load<u8>(digest + i));
    }
  }
  store<u8>(encoded, load<u8>(encoded) & 0x7f);
  const zeros = masked - SALT - 1;
  for (let i: i32 = 0; i < zeros; i++) if (load<u8>(encoded + i) != 0) return false;
  if (load<u8>(encoded + zeros) != 1) return false;
  sha256(text, len, digest);
  seeded.clear();
  seeded.reserve(8 + SHA256_SIZE + SALT);
  store<u64>(seeded.ptr, 0);
  seeded.len = 8;
  seeded.append(digest, SHA256_SIZE);
  seeded.append(encoded + zeros + 1, SALT);
  sha256(seeded.ptr, seeded.len, expected);
  return equalDigests(expected, hash);
}
