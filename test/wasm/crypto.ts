import "../../filters/sdk/host/abort";
import { ByteBuffer } from "../../filters/sdk/bytes/byte-buffer";
import { appendBase64, appendBase64Url } from "../../filters/tenant-auth/crypto/base64";
import { appendEcdsaSignature, appendEcKey, appendRsaKey } from "../../filters/tenant-auth/crypto/der";
import { hmacSha256 } from "../../filters/tenant-auth/crypto/hmac-sha256";
import { verifyPs256 } from "../../filters/tenant-auth/crypto/rsa-pss";
import {
  SHA256_STATE,
  sha256,
  sha256Finish,
  sha256Start,
  sha256Update,
} from "../../filters/tenant-auth/crypto/sha256";
import { sipHash128, sipHigh, sipLow } from "../../filters/tenant-auth/crypto/siphash";

/** The pure cryptography of tenant-auth, for tests: inputs and outputs lie in memory from `allocate`. */

const out = new ByteBuffer();
const state: usize = memory.data(SHA256_STATE, 8);

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export function hash(ptr: usize, len: i32, to: usize): void {
  sha256(ptr, len, to);
}

/** The same in pieces of `step` bytes. */
export function hashInPieces(ptr: usize, len: i32, step: i32, to: usize): void {
  sha256Start(state);
  for (let at: i32 = 0; at < len; at += step) sha256Update(state, ptr + at, min(step, len - at));
  sha256Finish(state, to);
}

export function hmac(key: usize, keyLen: i32, ptr: usize, len: i32, to: usize): void {
  hmacSha256(key, keyLen, ptr, len, to);
}

export function sip(ptr: usize, len: i32, k0: u64, k1: u64, to: usize): void {
  sipHash128(ptr, len, k0, k1);
  store<u64>(to, sipLow);
  store<u64>(to, sipHigh, 8);
}

export function ps256(n: usize, size: i32, signature: usize, text: usize, len: i32): bool {
  return verifyPs256(n, size, signature, text, len);
}

/** @returns the length of what was decoded to `resultPtr()`, -1 when the text is refused. */
export function decode(ptr: usize, len: i32, url: bool): i32 {
  out.clear();
  const good = url ? appendBase64Url(out, ptr, len) : appendBase64(out, ptr, len);
  return good ? out.len : -1;
}

export function rsaKey(n: usize, nLen: i32, e: usize, eLen: i32): i32 {
  out.clear();
  appendRsaKey(out, n, nLen, e, eLen);
  return out.len;
}

export function ecKey(size: i32, x: usize, y: usize): i32 {
  out.clear();
  appendEcKey(out, size, x, y);
  return out.len;
}

export function ecdsaSignature(size: i32, r: usize, s: usize): i32 {
  out.clear();
  appendEcdsaSignature(out, size, r, s);
  return out.len;
}

export function resultPtr(): usize {
  return out.ptr;
}
