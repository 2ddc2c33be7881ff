import { Bytes, bytes } from "../../sdk/bytes";
import { decimalToInteger, integerValue, parseNumber } from "../numbers/decimal";
import { decimalToBf16, decimalToF16, decimalToF32, decimalToF64 } from "../numbers/decimal-float";
import { NonFinite, nonFinite } from "../numbers/float-text";
import { Datatype, elementSize, isFloat, isSigned } from "./datatype";
import { readF32Run, runLength } from "./read-f32-run";
import { SlabChain } from "./slabs";

/**
 * The hot loops: scalars of a JSON array -> little-endian tensor elements. Each reads a run of elements with commas
 * between them, as far as they are complete in [at, to).
 */

/** How many elements the last call read, whether a comma behind the last one was taken, and what was wrong. */
export let elementsRead: i32 = 0;
export let commaTaken: bool = false;
export let elementError: Bytes | null = null;

const NOT_A_NUMBER = bytes("data must be numbers");
const NOT_AN_INTEGER = bytes("data must be integers in the range of the datatype");
const NOT_A_BOOLEAN = bytes("data must be true or false");
const OUT_OF_RANGE = bytes("a number does not fit the datatype");

const TRUE_TEXT: u32 = 0x65757274;
const FALSE_TEXT: u32 = 0x736c6166; // fals

/**
 * Reads elements of a datatype other than BYTES into `out`. @returns the first byte not used; that of the element at
 * fault when `elementError` is set
 */
export function readElements(datatype: Datatype, at: usize, to: usize, out: SlabChain): usize {
  elementsRead = 0;
  commaTaken = false;
  elementError = null;
  if (datatype == Datatype.BOOL) return readBooleans(at, to, out);
  if (!isFloat(datatype)) return readIntegers(datatype, at, to, out);
  const limit = lastSeparator(at, to);
  if (at >= limit) return incomplete(at, to);
  if (datatype == Datatype.FP32) {
    at = readF32Run(at, limit, out);
    elementsRead = runLength;
    commaTaken = runLength > 0;
    if (commaTaken && (at >= limit || !startsNumber(at))) return at;
  }
  return readFloats(datatype, at, limit, to, out);
}

/** Last byte of [from, to) that cannot belong to a number, or `from`. A number that starts before it is complete. */
function lastSeparator(from: usize, to: usize): usize {
  let at = to;
  while (at > from) {
    at--;
    const c = load<u8>(at);
    if (c == 0x2c || c == 0x5d || c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09) return at;
  }
  return from;
}

/**
 * Goes from the end of an element to the start of the next one. @returns where that is; 0 when no element of this run
 * starts at `elementEnd`, which is then behind the comma if `commaTaken`.
 */
function nextNumber(at: usize, limit: usize): usize {
  elementsRead++;
  elementEnd = at;
  commaTaken = load<u8>(at) == 0x2c;
  if (!commaTaken) return 0;
  elementEnd = ++at;
  if (at >= limit) return 0;
  let c = load<u8>(at);
  if (c == 0x20) c = load<u8>(++at);
  elementEnd = at;
  return at < limit && (c - 0x30 < 10 || c == 0x2d) ? at : 0;
}
let elementEnd: usize = 0;

function fail(at: usize, why: Bytes): usize {
  elementError = why;
  return at;
}

function readFloats(datatype: Datatype, at: usize, limit: usize, to: usize, out: SlabChain): usize {
  const infinity: u32 = datatype == Datatype.FP16 ? 0x7c00 : 0x7f80;
  const size = elementSize(datatype);
  let next = at;
  while (next != 0) {
    at = next;
    const after = parseNumber(at);
    if (after == 0) return failNumber(at, to, out, datatype);
    if (out.at == out.end) out.grow();
    if (size == 8) {
      const value = decimalToF64();
      if (!isFinite<f64>(value)) return fail(at, OUT_OF_RANGE);
      store<f64>(out.at, value);
    } else if (size == 4) {
      const value = decimalToF32();
      if (!isFinite<f32>(value)) return fail(at, OUT_OF_RANGE);
      store<f32>(out.at, value);
    } else {
      const bits: u32 = datatype == Datatype.FP16 ? decimalToF16() : decimalToBf16();
      if ((bits & 0x7fff) == infinity) return fail(at, OUT_OF_RANGE);
      store<u16>(out.at, <u16>bits);
    }
    out.at += size;
    next = nextNumber(after, limit);
  }
  return elementEnd;
}

function readIntegers(datatype: Datatype, at: usize, to: usize, out: SlabChain): usize {
  const limit = lastSeparator(at, to);
  if (at >= limit) return at < to && !startsNumber(at) ? fail(at, NOT_A_NUMBER) : at;
  const size = elementSize(datatype);
  const bits = size << 3;
  const signed = isSigned(datatype);
  let next = at;
  while (next != 0) {
    at = next;
    const after = parseNumber(at);
    if (after == 0) return fail(at, NOT_A_NUMBER);
    if (!decimalToInteger(bits, signed)) return fail(at, NOT_AN_INTEGER);
    if (out.at == out.end) out.grow();
    if (size == 8) store<u64>(out.at, integerValue);
    else if (size == 4) store<u32>(out.at, <u32>integerValue);
    else if (size == 2) store<u16>(out.at, <u16>integerValue);
    else store<u8>(out.at, <u8>integerValue);
    out.at += size;
    next = nextNumber(after, limit);
  }
  return elementEnd;
}

function startsNumber(at: usize): bool {
  const c = load<u8>(at);
  return c - 0x30 < 10 || c == 0x2d;
}

/** A piece without a separator: the start of a number, unless it cannot be one. */
function incomplete(at: usize, to: usize): usize {
  const wordMayFollow = load<u8>(at) == 0x22 && nonFinite == NonFinite.String;
  return startsNumber(at) || wordMayFollow ? at : fail(at, NOT_A_NUMBER);
}

const NAN_WORD = bytes('"NaN"');
const INFINITY_WORD = bytes('"Infinity"');
const MINUS_INFINITY_WORD = bytes('"-Infinity"');

/** Not a number: maybe one of the strings that stand for NaN and the infinities, where the policy takes them. */
function failNumber(at: usize, to: usize, out: SlabChain, datatype: Datatype): usize {
  if (nonFinite != NonFinite.String || load<u8>(at) != 0x22) return fail(at, NOT_A_NUMBER);
  let value: f64 = NaN;
  let word = NAN_WORD;
  if (load<u8>(at + 1) == 0x49) {
    value = Infinity;
    word = INFINITY_WORD;
  } else if (load<u8>(at + 1) == 0x2d) {
    value = -Infinity;
    word = MINUS_INFINITY_WORD;
  }
  if (at + word.len > to) return at;
  if (!word.equals(at, word.len)) return fail(at, NOT_A_NUMBER);
  if (out.at == out.end) out.grow();
  if (datatype == Datatype.FP64) store<f64>(out.at, value);
  else if (datatype == Datatype.FP32) store<f32>(out.at, <f32>value);
  else {
    const bits = reinterpret<u32>(<f32>value) >> 16;
    store<u16>(
      out.at,
      datatype == Datatype.BF16 ? <u16>bits : <u16>((bits & 0x8000) | 0x7c00 | ((bits & 0x40) << 3)),
    );
  }
  out.at += elementSize(datatype);
  elementsRead++;
  commaTaken = false;
  return at + word.len;
}

function readBooleans(at: usize, to: usize, out: SlabChain): usize {
  while (at < to) {
    const c = load<u8>(at);
    const length: usize = c == 0x74 ? 4 : 5;
    if (c != 0x74 && c != 0x66) {
      commaTaken = elementsRead > 0;
      return elementsRead > 0 ? at : fail(at, NOT_A_BOOLEAN);
    }
    if (at + length > to) {
      commaTaken = elementsRead > 0;
      return at;
    }
    const word = load<u32>(at);
    const value = word == TRUE_TEXT;
    if (!value && (word != FALSE_TEXT || load<u8>(at + 4) != 0x65)) return fail(at, NOT_A_BOOLEAN);
    if (out.at == out.end) out.grow();
    store<u8>(out.at++, <u8>value);
    elementsRead++;
    at += length;
    if (at == to || load<u8>(at) != 0x2c) {
      commaTaken = false;
      return at;
    }
    at++;
    if (at < to && load<u8>(at) == 0x20) at++;
  }
  commaTaken = true;
  return at;
}
