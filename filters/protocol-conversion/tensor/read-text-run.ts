import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { plainCount } from "../json/element-text";

/** Strings of a JSON array that are plain: ASCII without escapes, as most are. */

/**
 * How many strings the last call read, and whether a comma behind the last one was taken. Variables of the
 * module: inner lists of a tensor are a call each.
 */
export let textsRead: i32 = 0;
export let textComma: bool = false;

const VECTOR: usize = 16;

/**
 * Copies strings to `out`, each with its length in four bytes before it (raw contents of BYTES), as long as
 * they are plain, all there and fit the slab at hand. @returns the first byte not used
 */
export function readTextRun(at: usize, to: usize, out: SlabChain): usize {
  let count = 0;
  let comma = false;
  let target = out.at;
  const targetEnd = out.end;
  while (at + 1 + VECTOR <= to && load<u8>(at) == Char.QUOTE) {
    let from = at + 1;
    let copied = target + 4;
    let plain = VECTOR;
    while (plain == VECTOR && from + VECTOR <= to && copied + VECTOR <= targetEnd) {
      const bytes = v128.load(from);
      v128.store(copied, bytes);
      plain = plainCount(bytes);
      from += plain;
      copied += plain;
    }
    if (plain == VECTOR || load<u8>(from) != Char.QUOTE) break;
    store<u32>(target, <u32>(copied - target - 4));
    target = copied;
    count++;
    at = from + 1;
    comma = at < to && load<u8>(at) == Char.COMMA;
    if (!comma) break;
    at++;
    if (at < to && load<u8>(at) == Char.SPACE) at++;
  }
  out.at = target;
  textsRead = count;
  textComma = comma;
  return at;
}
