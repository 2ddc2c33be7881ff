import { decimalToInteger, parseNumber } from "../../model-protocol/numbers/decimal";
import {
  byteMask,
  HUNDREDS,
  LOW_BYTES,
  nonDigitMask,
  RUN,
  runShape,
  runValue,
  TEN_THOUSANDS,
  TENS,
  ZEROS,
} from "../../model-protocol/numbers/digit-run";
import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { storeInteger } from "./append-element";

/** Integers of a JSON array, whose ends are found for 64 bytes at once: see `read-f32-run.ts`. */

const GROUP: usize = 64;
/** Bytes behind a group that are looked at: the start of the next number, maybe after a space. */
const BEHIND: usize = 2;
/** Digits that always fit 64 bits without a sign. */
const MAX_DIGITS: u32 = 19;

/**
 * How many elements the last call read. A variable of the module: inner lists of a tensor are a call each.
 */
export let integersRead: i32 = 0;

/**
 * Reads elements of `size` bytes with a comma behind each, as long as 64 bytes are there. All numbers that
 * start before `limit` must end there. @returns the first byte not used: `from`, or what comes behind a
 * comma, or a comma and a space
 */
export function readIntegerRun(size: i32, signed: bool, from: usize, limit: usize, out: SlabChain): usize {
  let at = from;
  let count = 0;
  let target = out.at;
  let targetEnd = out.end;
  const bits = size << 3;
  const largest: u64 = u64.MAX_VALUE >> (64 - bits + <i32>signed);
  const zeros = v128.load(ZEROS);
  const tens = v128.load(TENS);
  const lowBytes = v128.load(LOW_BYTES);
  const hundreds = v128.load(HUNDREDS);
  const tenThousands = v128.load(TEN_THOUSANDS);
  while (at + (GROUP + BEHIND) <= limit) {
    if (target == targetEnd) {
      out.at = target;
      out.grow();
      target = out.at;
      targetEnd = out.end;
    }
    const group = at;
    const minuses = byteMask(group, Char.MINUS);
    let others = nonDigitMask(group) & ~minuses;
    if ((minuses & ~((others << 1) | 1)) != 0) break;
    // What is odd leaves this loop with `others` set; conditions stand alone so that they are branches and no
    // values.
    while (others != 0 && target != targetEnd) {
      const end = group + <usize>ctz<u64>(others);
      const minus = <usize>(load<u8>(at) == Char.MINUS);
      const begin = at + minus;
      const length = <i32>(end - begin);
      if (<u32>(length - 1) >= MAX_DIGITS) break;
      if (length > 1) if (load<u8>(begin) == Char._0) break;
      if (load<u8>(end) != Char.COMMA) break;
      const taken = min(length, RUN);
      let value = <u64>runValue(begin, runShape(taken, taken), zeros, tens, lowBytes, hundreds, tenThousands);
      for (let digit = begin + RUN; digit < end; digit++) value = value * 10 + (load<u8>(digit) - Char._0);
      if (minus != 0) if (!signed) break;
      if (value > largest + <u64>minus) break;
      value = minus != 0 ? 0 - value : value;
      if (size == 8) store<u64>(target, value);
      else if (size == 4) store<u32>(target, <u32>value);
      else if (size == 2) store<u16>(target, <u16>value);
      else store<u8>(target, <u8>value);
      target += size;
      count++;
      at = end + 1;
      others &= others - 1;
      if (load<u8>(at) == Char.SPACE) {
        at++;
        others &= others - 1;
      }
    }
    if (target == targetEnd) continue;
    if (others == 0) {
      if (at == group) break;
      continue;
    }
    const end = parseNumber(at);
    if (end == 0 || load<u8>(end) != Char.COMMA) break;
    if (!decimalToInteger(bits, signed)) break;
    storeInteger(size, target);
    target += size;
    count++;
    at = end + 1;
    if (load<u8>(at) == Char.SPACE && at < limit) at++;
  }
  out.at = target;
  integersRead = count;
  return at;
}
