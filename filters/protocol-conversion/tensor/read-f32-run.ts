import { parseNumber } from "../../model-protocol/numbers/decimal";
import { decimalToF32, isDecisive, nearF32 } from "../../model-protocol/numbers/decimal-float";
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

/**
 * The hottest loop: float32 of a JSON array. Where numbers end is found for 64 bytes at once (as simdjson
 * does: Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019), so that the processor works on
 * several numbers at a time instead of looking for the end of one before it begins with the next.
 */

const GROUP: usize = 64;
/** Bytes behind a group that are looked at: the start of the next number, maybe after a space. */
const BEHIND: usize = 2;
/** At least this must be the value of the first digits of a number that has more than are taken at once. */
const ENOUGH: i64 = 1_000_000_000_000;
/** Digits before the point, at most: one less than RUN. */
const MAX_WHOLE: u32 = 15;
/** What cuts off digits behind that many changes, and rounding: 10^-12 is 4504 units of 2^-52. */
const ERROR: u64 = 0x2000;

/** What the digits of a shape are multiplied with. */
const SCALES: usize = memory.data(2312); // 8 * 17 * 17
for (let point: i32 = 0; point <= RUN; point++) {
  for (let length = point; length <= RUN; length++) {
    store<f64>(SCALES + ((<usize>runShape(point, length)) << 3), nearF32(1, max(length - 1 - point, 0)));
  }
}

/**
 * How many elements the last call read. A variable of the module: inner lists of a tensor are a call each.
 */
export let runLength: i32 = 0;

/**
 * Reads elements with a comma behind each, as long as 64 bytes are there. All numbers that start before
 * `limit` must end there. @returns the first byte not used: `from`, or what comes behind a comma, or behind a
 * comma and a space
 */
export function readF32Run(from: usize, limit: usize, out: SlabChain): usize {
  let at = from;
  const before = out.length;
  let target = out.at;
  let targetEnd = out.end;
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
      const point = group + <usize>ctz<u64>(others);
      let end = point;
      let rest = others & (others - 1);
      if (load<u8>(point) == Char.DOT) {
        if (rest == 0) {
          others = 0;
          break;
        }
        if (load<u8>(point, 1) - Char._0 >= 10) break;
        end = group + <usize>ctz<u64>(rest);
        rest &= rest - 1;
      }
      const minus = <usize>(load<u8>(at) == Char.MINUS);
      const begin = at + minus;
      const whole = <i32>(point - begin);
      if (<u32>(whole - 1) >= MAX_WHOLE) break;
      if (whole > 1) if (load<u8>(begin) == Char._0) break;
      if (load<u8>(end) != Char.COMMA) break;
      const length = <i32>(end - begin);
      const shape = runShape(whole, min(length, RUN));
      const digits = runValue(begin, shape, zeros, tens, lowBytes, hundreds, tenThousands);
      const near = <f64>digits * load<f64>(SCALES + ((<usize>shape) << 3));
      if (!isDecisive(near, ERROR)) break;
      if (length > RUN) if (digits < ENOUGH) break;
      store<u32>(target, reinterpret<u32>(<f32>near) | ((<u32>minus) << 31));
      target += 4;
      at = end + 1;
      others = rest;
      if (load<u8>(at) == Char.SPACE) {
        at++;
        others = rest & (rest - 1);
      }
    }
    if (target == targetEnd) continue;
    if (others == 0) {
      if (at == group) break;
      continue;
    }
    const end = parseNumber(at);
    if (end == 0 || load<u8>(end) != Char.COMMA) break;
    const value = decimalToF32();
    if (!isFinite<f32>(value)) break;
    store<f32>(target, value);
    target += 4;
    at = end + 1;
    if (load<u8>(at) == Char.SPACE && at < limit) at++;
  }
  out.at = target;
  runLength = (out.length - before) >> 2;
  return at;
}
