/** SHA-256 (FIPS 180-4), over bytes in memory. */

const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
const INITIAL = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

export const SHA256_SIZE: i32 = 32;
export const SHA256_BLOCK: i32 = 64;
const LENGTH_AT: i32 = 56;

/**
 * Bytes of a hash in progress: eight state words, the number of bytes so far (u64), then a block that is not
 * full.
 */
export const SHA256_STATE: i32 = 32 + 8 + SHA256_BLOCK;
const TOTAL: usize = 32;
const PARTIAL: usize = 40;

const schedule: usize = memory.data(256);
const single: usize = memory.data(SHA256_STATE, 8);

/** Writes the digest of [ptr, ptr + len), 32 bytes, to `out`. */
export function sha256(ptr: usize, len: i32, out: usize): void {
  sha256Start(single);
  sha256Update(single, ptr, len);
  sha256Finish(single, out);
}

/** Begins a hash whose progress is kept in the SHA256_STATE bytes at `state`. */
export function sha256Start(state: usize): void {
  memory.copy(state, INITIAL, 32);
  store<u64>(state, 0, TOTAL);
}

/** Adds [ptr, ptr + len) to the hash at `state`. */
export function sha256Update(state: usize, ptr: usize, len: i32): void {
  const held = <i32>(load<u64>(state, TOTAL) & (SHA256_BLOCK - 1));
  store<u64>(state, load<u64>(state, TOTAL) + len, TOTAL);
  if (held > 0) {
    const taken = min(len, SHA256_BLOCK - held);
    memory.copy(state + PARTIAL + held, ptr, taken);
    if (held + taken < SHA256_BLOCK) return;
    compress(state, state + PARTIAL);
    ptr += taken;
    len -= taken;
  }
  while (len >= SHA256_BLOCK) {
    compress(state, ptr);
    ptr += SHA256_BLOCK;
    len -= SHA256_BLOCK;
  }
  memory.copy(state + PARTIAL, ptr, len);
}

/** Ends the hash at `state` and writes its 32 bytes to `out`. */
export function sha256Finish(state: usize, out: usize): void {
  const total = load<u64>(state, TOTAL);
  const partial = state + PARTIAL;
  let held = <i32>(total & (SHA256_BLOCK - 1));
  store<u8>(partial + held++, 0x80);
  if (held > LENGTH_AT) {
    memory.fill(partial + held, 0, SHA256_BLOCK - held);
    compress(state, partial);
    held = 0;
  }
  memory.fill(partial + held, 0, LENGTH_AT - held);
  store<u64>(partial + LENGTH_AT, bswap<u64>(total << 3));
  compress(state, partial);
  for (let i: i32 = 0; i < 32; i += 4) store<u32>(out + i, bswap<u32>(load<u32>(state + i)));
}

function compress(state: usize, block: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(schedule + i, bswap<u32>(load<u32>(block + i)));
  for (let i: usize = 64; i < 256; i += 4) {
    const w15 = load<u32>(schedule + i - 60);
    const w2 = load<u32>(schedule + i - 8);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(schedule + i, load<u32>(schedule + i - 64) + s0 + load<u32>(schedule + i - 28) + s1);
  }
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  for (let i: usize = 0; i < 256; i += 4) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(K + i) + load<u32>(schedule + i);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}
