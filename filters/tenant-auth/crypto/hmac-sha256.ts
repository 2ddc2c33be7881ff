import {
  SHA256_BLOCK,
  SHA256_SIZE,
  SHA256_STATE,
  sha256,
  sha256Finish,
  sha256Start,
  sha256Update,
} from "./sha256";

/** HMAC-SHA-256 (RFC 2104, FIPS 198-1). */

const block: usize = memory.data(SHA256_BLOCK, 8);
const state: usize = memory.data(SHA256_STATE, 8);
const inner: usize = memory.data(SHA256_SIZE, 8);

/** Writes the 32 bytes of the MAC of [ptr, ptr + len) under the key to `out`. */
export function hmacSha256(key: usize, keyLen: i32, ptr: usize, len: i32, out: usize): void {
  memory.fill(block, 0, SHA256_BLOCK);
  if (keyLen > SHA256_BLOCK) sha256(key, keyLen, block);
  else memory.copy(block, key, keyLen);
  for (let i: usize = 0; i < <usize>SHA256_BLOCK; i += 8) {
    store<u64>(block + i, load<u64>(block + i) ^ 0x3636_3636_3636_3636);
  }
  sha256Start(state);
  sha256Update(state, block, SHA256_BLOCK);
  sha256Update(state, ptr, len);
  sha256Finish(state, inner);
  for (let i: usize = 0; i < <usize>SHA256_BLOCK; i += 8) {
    store<u64>(block + i, load<u64>(block + i) ^ 0x6a6a_6a6a_6a6a_6a6a); // ipad to opad
  }
  sha256Start(state);
  sha256Update(state, block, SHA256_BLOCK);
  sha256Update(state, inner, SHA256_SIZE);
  sha256Finish(state, out);
}
