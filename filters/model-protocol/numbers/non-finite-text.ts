import { Char } from "../../sdk/bytes/chars";
import { NonFinite, nonFinite } from "./float-text";

/**
 * NaN and the infinities in requests, where the policy takes them: `"NaN"`, `"Infinity"`, `"-Infinity"`, or
 * the same without quotes, and `Inf`, as TensorFlow Serving reads them (RapidJSON, kParseNanAndInfFlag).
 */

/** What the last `readNonFinite` read. A variable of the module, as the loops over elements read it. */
export let nonFiniteValue: f64 = 0;

const NAN: u32 = 0x4e_61_4e;
const INF: u32 = 0x66_6e_49;
const INITY: u64 = 0x79_74_69_6e_69;
const THREE_BYTES: u32 = 0xffffff;
const FIVE_BYTES: u64 = 0xffffffffff;

/** May a value that is no number start with this byte? */
export function startsNonFinite(c: u8): bool {
  if (nonFinite == NonFinite.String) return c == Char.QUOTE;
  return nonFinite == NonFinite.Token && (c == Char.N || c == Char.I);
}

/**
 * Reads it at `at`.
 * @returns the byte after it; 0 when it is none. Up to 16 bytes behind `at` must be readable
 */
export function readNonFinite(at: usize): usize {
  if (nonFinite == NonFinite.Token) return readWord(at, true);
  if (nonFinite != NonFinite.String || load<u8>(at) != Char.QUOTE) return 0;
  const end = readWord(at + 1, false);
  return end != 0 && load<u8>(end) == Char.QUOTE ? end + 1 : 0;
}

/** Is [ptr, ptr + len) the text of such a string? Sets `nonFiniteValue`. */
export function isNonFiniteText(ptr: usize, len: i32): bool {
  return nonFinite == NonFinite.String && len <= 9 && len > 2 && readWord(ptr, false) == ptr + <usize>len;
}

/** `lax`: takes `Inf` and `-NaN`, too. */
function readWord(at: usize, lax: bool): usize {
  const minus = load<u8>(at) == Char.MINUS;
  at += <usize>minus;
  const word = load<u32>(at) & THREE_BYTES;
  if (word == NAN && (lax || !minus)) {
    nonFiniteValue = NaN;
    return at + 3;
  }
  if (word != INF) return 0;
  nonFiniteValue = minus ? -Infinity : Infinity;
  if (lax && load<u8>(at + 3) != Char.i) return at + 3;
  return (load<u64>(at + 3) & FIVE_BYTES) == INITY ? at + 8 : 0;
}
