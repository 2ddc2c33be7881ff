import { Bytes, bytes, hexDigit } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { Config } from "../sdk/pipeline/config";

const FNV_PRIME: u64 = 0x100000001b3;

/** FNV-1a, 64 bits, continued from `seed`. */
export function hash64(ptr: usize, len: i32, seed: u64): u64 {
  let hash = seed;
  for (let i: i32 = 0; i < len; i++) hash = (hash ^ load<u8>(ptr + i)) * FNV_PRIME;
  return hash;
}

/**
 * 32 bits of a hash, each of which hangs on all of it (the finish of MurmurHash3, fmix64). FNV's upper half
 * hardly knows the last characters: user-1 and user-2 would lie in one set of a table.
 */
export function spread32(hash: u64): u32 {
  let mixed = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53;
  return <u32>(mixed >> 32);
}

/**
 * A path with variables, such as `/v2/models/{model}/infer`: a part in braces stands for one segment,
 * whatever it is.
 */
export class PathTemplate {
  constructor(private readonly template: Bytes) {}

  /**
   * @returns a hash of what the variables are in the path (its query left out), continued from `seed`; 0 when
   *   the path does not fit. `%41` counts as `A`, so that one resource has one key however it is spelt.
   */
  match(ptr: usize, len: i32, seed: u64): u64 {
    let at = ptr;
    const end = ptr + len;
    let t = this.template.ptr;
    const templateEnd = t + this.template.len;
    let hash = seed;
    while (t < templateEnd) {
      if (load<u8>(t) == Char.OPEN_BRACE) {
        while (t < templateEnd && load<u8>(t) != Char.CLOSE_BRACE) t++;
        t++;
        const from = at;
        while (at < end && load<u8>(at) != Char.SLASH && load<u8>(at) != Char.QUESTION) {
          let c = load<u8>(at);
          if (c == Char.PERCENT && at + 2 < end) {
            const high = hexDigit(load<u8>(at + 1));
            const low = hexDigit(load<u8>(at + 2));
            if (high >= 0 && low >= 0) {
              c = <u8>((high << 4) | low);
              at += 2;
            }
          }
          hash = (hash ^ c) * FNV_PRIME;
          at++;
        }
        if (at == from) return 0;
        hash = (hash ^ Char.SLASH) * FNV_PRIME;
      } else {
        if (at >= end || load<u8>(at) != load<u8>(t)) return 0;
        at++;
        t++;
      }
    }
    return at == end || load<u8>(at) == Char.QUESTION ? hash : 0;
  }
}

/** Reads a path with variables; `field` is where the configuration has it. */
export function readTemplate(config: Config, field: string, template: string): PathTemplate {
  if (!template.startsWith("/")) config.fault(field, "must start with /");
  let open = false;
  for (let i = 0; i < template.length; i++) {
    const c = template.charCodeAt(i);
    if (
      c == Char.OPEN_BRACE ? open || template.charCodeAt(i - 1) != Char.SLASH : c == Char.CLOSE_BRACE && !open
    )
      config.fault(field, "has braces that are not one whole segment");
    if (c == Char.OPEN_BRACE) open = true;
    if (c == Char.CLOSE_BRACE) {
      open = false;
      if (i + 1 < template.length && template.charCodeAt(i + 1) != Char.SLASH)
        config.fault(field, "has braces that are not one whole segment");
    }
  }
  if (open) config.fault(field, "has braces that are not one whole segment");
  return new PathTemplate(bytes(template));
}
