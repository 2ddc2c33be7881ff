import { ByteBuffer } from "../../sdk/bytes/byte-buffer";

/**
 * DER (ITU-T X.690) of public keys as SubjectPublicKeyInfo (RFC 5280, RFC 3279 for RSA, RFC 5480 for elliptic
 * curves) and of ECDSA signatures: the forms that Envoy's `verify_signature` takes, where JOSE has raw
 * numbers.
 */

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/** AlgorithmIdentifier rsaEncryption with NULL parameters. */
const RSA = memory.data<u8>([
  0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
]);
const RSA_SIZE: i32 = 15;
/** AlgorithmIdentifier id-ecPublicKey with the curve secp256r1, and with secp384r1. */
const P256 = memory.data<u8>([
  0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
  0x03, 0x01, 0x07,
]);
const P256_SIZE: i32 = 21;
const P384 = memory.data<u8>([
  0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
]);
const P384_SIZE: i32 = 18;

function lengthSize(length: i32): i32 {
  return length < 0x80 ? 1 : length < 0x100 ? 2 : 3;
}

function appendHeader(out: ByteBuffer, tag: u8, length: i32): void {
  out.appendByte(tag);
  if (length >= 0x100) {
    out.appendByte(0x82);
    out.appendByte(<u8>(length >> 8));
  } else if (length >= 0x80) out.appendByte(0x81);
  out.appendByte(<u8>length);
}

function withHeader(length: i32): i32 {
  return 1 + lengthSize(length) + length;
}

/** Leading zero bytes of a big-endian unsigned number that say nothing. */
function leadingZeros(ptr: usize, len: i32): i32 {
  let zeros = 0;
  while (zeros < len - 1 && load<u8>(ptr + zeros) == 0) zeros++;
  return zeros;
}

/** Bytes of a big-endian unsigned number as an INTEGER's content, which must not look negative. */
function integerLength(ptr: usize, len: i32): i32 {
  const zeros = leadingZeros(ptr, len);
  return len - zeros + (load<u8>(ptr + zeros) >= 0x80 ? 1 : 0);
}

function appendInteger(out: ByteBuffer, ptr: usize, len: i32): void {
  const zeros = leadingZeros(ptr, len);
  appendHeader(out, INTEGER, integerLength(ptr, len));
  if (load<u8>(ptr + zeros) >= 0x80) out.appendByte(0);
  out.append(ptr + zeros, len - zeros);
}

/** RSAPublicKey of a big-endian modulus and exponent, as SubjectPublicKeyInfo. */
export function appendRsaKey(out: ByteBuffer, n: usize, nLen: i32, e: usize, eLen: i32): void {
  const numbers = withHeader(integerLength(n, nLen)) + withHeader(integerLength(e, eLen));
  const key = withHeader(numbers);
  appendHeader(out, SEQUENCE, RSA_SIZE + withHeader(1 + key));
  out.append(RSA, RSA_SIZE);
  appendHeader(out, BIT_STRING, 1 + key);
  out.appendByte(0);
  appendHeader(out, SEQUENCE, numbers);
  appendInteger(out, n, nLen);
  appendInteger(out, e, eLen);
}

/** The point (x, y) of P-256 (`size` 32) or P-384 (`size` 48), as SubjectPublicKeyInfo. */
export function appendEcKey(out: ByteBuffer, size: i32, x: usize, y: usize): void {
  const algorithm = size == 32 ? P256 : P384;
  const algorithmSize = size == 32 ? P256_SIZE : P384_SIZE;
  const point = 2 + 2 * size;
  appendHeader(out, SEQUENCE, algorithmSize + withHeader(point));
  out.append(algorithm, algorithmSize);
  appendHeader(out, BIT_STRING, point);
  out.appendByte(0);
  out.appendByte(4);
  out.append(x, size);
  out.append(y, size);
}

/** Ecdsa-Sig-Value of the two halves r and s, `size` bytes each. */
export function appendEcdsaSignature(out: ByteBuffer, size: i32, r: usize, s: usize): void {
  appendHeader(out, SEQUENCE, withHeader(integerLength(r, size)) + withHeader(integerLength(s, size)));
  appendInteger(out, r, size);
  appendInteger(out, s, size);
}
