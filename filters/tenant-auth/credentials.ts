import { SHA256_SIZE } from "./sha256";

/** A slot: the digest of a credential, then its index (u32) plus one; 0 is a free slot. */
const SLOT: u32 = 40;
const INDEX_AT: u32 = 32;

/** Credentials by their SHA-256: open addressing on the digest's first word, which is evenly spread already. */
export class CredentialTable {
  private readonly memory: StaticArray<u8>;
  private readonly mask: u32;

  private get slots(): usize {
    return changetype<usize>(this.memory);
  }

  /** @param count how many credentials there will be at most */
  constructor(count: i32) {
    const size: u32 = (<u32>1) << (33 - clz<u32>(max<u32>(count, 1)));
    this.mask = size - 1;
    this.memory = new StaticArray<u8>(size * SLOT);
  }

  /** @returns false when the digest is there already. */
  add(digest: usize, index: i32): bool {
    let at = load<u32>(digest) & this.mask;
    while (true) {
      const slot = this.slots + at * SLOT;
      if (load<u32>(slot + INDEX_AT) == 0) {
        memory.copy(slot, digest, SHA256_SIZE);
        store<u32>(slot + INDEX_AT, index + 1);
        return true;
      }
      if (sameDigest(slot, digest)) return false;
      at = (at + 1) & this.mask;
    }
  }

  /** @returns index of the credential, -1 when there is none. */
  find(digest: usize): i32 {
    let at = load<u32>(digest) & this.mask;
    while (true) {
      const slot = this.slots + at * SLOT;
      const index = load<i32>(slot + INDEX_AT);
      if (index == 0 || sameDigest(slot, digest)) return index - 1;
      at = (at + 1) & this.mask;
    }
  }
}

/** Compares two digests in a time that does not depend on where they differ. */
function sameDigest(a: usize, b: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference == 0;
}

/** Reads 64 hexadecimal digits into the 32 bytes at `out`. @returns false when they are something else. */
export function parseHexDigest(text: string, out: usize): bool {
  if (text.length != SHA256_SIZE * 2) return false;
  for (let i: i32 = 0; i < text.length; i++) {
    const c = text.charCodeAt(i) | 0x20;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x61 && c <= 0x66 ? c - 0x57 : -1;
    if (digit < 0) return false;
    const high: u8 = i & 1 ? load<u8>(out + (i >> 1)) << 4 : 0;
    store<u8>(out + (i >> 1), high | <u8>digit);
  }
  return true;
}
