import { hexDigit } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { equalDigests } from "./crypto/equal-digests";
import { SHA256_SIZE } from "./crypto/sha256";

/** A slot: a digest, then its number (u32) plus one; 0 is a free slot. */
const SLOT: u32 = 40;
const NUMBER_AT: u32 = 32;

/** Numbers by SHA-256 digest: open addressing on the digest's first word, which is evenly spread already. */
export class DigestTable {
  private readonly memory: StaticArray<u8>;
  private readonly mask: u32;

  /** @param count how many digests there will be at most */
  constructor(count: i32) {
    const size: u32 = (<u32>1) << (33 - clz<u32>(max<u32>(count, 1)));
    this.mask = size - 1;
    this.memory = new StaticArray<u8>(size * SLOT);
  }

  /** @returns false when the digest is there already. */
  add(digest: usize, number: i32): bool {
    const slot = this.slotOf(digest);
    if (load<u32>(slot + NUMBER_AT) != 0) return false;
    memory.copy(slot, digest, SHA256_SIZE);
    store<u32>(slot + NUMBER_AT, number + 1);
    return true;
  }

  /** @returns -1 for an unknown digest */
  find(digest: usize): i32 {
    return load<i32>(this.slotOf(digest) + NUMBER_AT) - 1;
  }

  private slotOf(digest: usize): usize {
    const slots = changetype<usize>(this.memory);
    let at = load<u32>(digest) & this.mask;
    while (true) {
      const slot = slots + at * SLOT;
      if (load<u32>(slot + NUMBER_AT) == 0 || equalDigests(slot, digest)) return slot;
      at = (at + 1) & this.mask;
    }
  }
}

/** Reads 64 hexadecimal digits into the 32 bytes at `out`. @returns false when they are something else. */
export function parseHexDigest(text: string, out: usize): bool {
  if (text.length != SHA256_SIZE * 2) return false;
  for (let i: i32 = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    const digit = c > <i32>Char.DELETE ? -1 : hexDigit(<u8>c);
    if (digit < 0) return false;
    const high: u8 = i & 1 ? load<u8>(out + (i >> 1)) << 4 : 0;
    store<u8>(out + (i >> 1), high | <u8>digit);
  }
  return true;
}
