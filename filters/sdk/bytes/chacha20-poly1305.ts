import { ByteBuffer } from "./byte-buffer";
import { poly1305 } from "./poly1305";

/** AEAD_CHACHA20_POLY1305 (RFC 8439, section 2.8): opens what was sealed. */

export const KEY_SIZE: i32 = 32;
export const NONCE_SIZE: i32 = 12;
export const TAG_SIZE: i32 = 16;

const BLOCK: i32 = 64;
const initial: usize = memory.data(64, 8);
const stream: usize = memory.data(64, 8);
const tag: usize = memory.data(16, 8);
const oneTimeKey: usize = memory.data(32, 8);
const macData: ByteBuffer = new ByteBuffer();

/**
 * Decrypts [ptr, ptr + len), a ciphertext and its tag, in its place.
 * @param aad what was authenticated with it
 * @returns false when it was not sealed with this key, nonce and `aad`: then it is as it was
 */
export function openSealed(key: usize, nonce: usize, aad: usize, aadLen: i32, ptr: usize, len: i32): bool {
  const size = len - TAG_SIZE;
  if (size < 0) return false;
  block(key, nonce, 0);
  memory.copy(oneTimeKey, stream, KEY_SIZE);
  macData.clear();
  appendPadded(aad, aadLen);
  appendPadded(ptr, size);
  macData.reserve(16);
  store<u64>(macData.end, <u64>aadLen);
  store<u64>(macData.end, <u64>size, 8);
  macData.len += 16;
  poly1305(oneTimeKey, macData.ptr, macData.len, tag);
  const sent = ptr + <usize>size;
  const different = (load<u64>(tag) ^ load<u64>(sent)) | (load<u64>(tag, 8) ^ load<u64>(sent, 8));
  if (different != 0) return false;
  for (let at: i32 = 0; at < size; at++) {
    if (at % BLOCK == 0) block(key, nonce, 1 + <u32>(at / BLOCK));
    const place = ptr + <usize>at;
    store<u8>(place, load<u8>(place) ^ load<u8>(stream + <usize>(at % BLOCK)));
  }
  return true;
}

/** Appends bytes, and zeros up to a multiple of 16. */
function appendPadded(ptr: usize, len: i32): void {
  macData.append(ptr, len);
  while (macData.len % 16 != 0) macData.appendByte(0);
}

/** `stream` = the key stream's block of this number (section 2.3). */
function block(key: usize, nonce: usize, counter: u32): void {
  store<u64>(initial, 0x3320646e_61707865);
  store<u64>(initial, 0x6b206574_79622d32, 8);
  memory.copy(initial + 16, key, KEY_SIZE);
  store<u32>(initial, counter, 48);
  memory.copy(initial + 52, nonce, NONCE_SIZE);
  memory.copy(stream, initial, BLOCK);
  for (let round = 0; round < 10; round++) {
    for (let i: u32 = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
    for (let i: u32 = 0; i < 4; i++) quarter(i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
  }
  for (let i: u32 = 0; i < 16; i++)
    store<u32>(at(i), load<u32>(at(i)) + load<u32>(initial + ((<usize>i) << 2)));
}

function quarter(a: u32, b: u32, c: u32, d: u32): void {
  mix(a, b, d, 16);
  mix(c, d, b, 12);
  mix(a, b, d, 8);
  mix(c, d, b, 7);
}

/** a += b; d = (d ^ a) <<< bits */
function mix(a: u32, b: u32, d: u32, bits: u32): void {
  const sum: u32 = load<u32>(at(a)) + load<u32>(at(b));
  store<u32>(at(a), sum);
  store<u32>(at(d), rotl<u32>(load<u32>(at(d)) ^ sum, bits));
}

function at(word: u32): usize {
  return stream + ((<usize>word) << 2);
}
