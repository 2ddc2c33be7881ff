import { Datatype, elementSize, isFloat, isSigned } from "../../model-protocol/datatype";
import { decimalToInteger, parseNumber } from "../../model-protocol/numbers/decimal";
import { nonFiniteValue, readNonFinite, startsNonFinite } from "../../model-protocol/numbers/non-finite-text";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { appendNonFinite, storeFloat, storeInteger } from "./append-element";
import { readF32Run, runLength } from "./read-f32-run";
import { integersRead, readIntegerRun } from "./read-integer-run";

/**
 * The hot loops: scalars of a JSON array -> little-endian tensor elements. Each reads a run of elements with
 * commas between them, as far as they are complete in [at, to).
 */

/**
 * How many elements the last call read, whether a comma behind the last one was taken, and what was wrong.
 * Variables of the module, not fields of an object: the loops count in them.
 */
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
 * Reads elements of a datatype other than BYTES into `out`. @returns the first byte not used; that of the
 * element at fault when `elementError` is set
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
  return readFloats(datatype, at, limit, out);
}

/**
 * Last byte of [from, to) that cannot belong to a number, or `from`. A number that starts before it is
 * complete.
 */
function lastSeparator(from: usize, to: usize): usize {
  let at = to;
  while (at > from) {
    at--;
    const c = load<u8>(at);
    if (
      c == Char.COMMA ||
      c == Char.CLOSE_BRACKET ||
      c == Char.SPACE ||
      c == Char.LF ||
      c == Char.CR ||
      c == Char.TAB
    )
      return at;
  }
  return from;
}

/**
 * Goes from the end of an element to the start of the next one. @returns where that is; 0 when no element of
 * this run starts at `elementEnd`, which is then behind the comma if `commaTaken`.
 */
function nextNumber(at: usize, limit: usize): usize {
  elementsRead++;
  elementEnd = at;
  commaTaken = load<u8>(at) == Char.COMMA;
  if (!commaTaken) return 0;
  elementEnd = ++at;
  if (at >= limit) return 0;
  let c = load<u8>(at);
  if (c == Char.SPACE) c = load<u8>(++at);
  elementEnd = at;
  return at < limit && (c - Char._0 < 10 || c == Char.MINUS) ? at : 0;
}
let elementEnd: usize = 0;

function fail(at: usize, why: Bytes): usize {
  elementError = why;
  return at;
}

function readFloats(datatype: Datatype, at: usize, limit: usize, out: SlabChain): usize {
  const size = elementSize(datatype);
  let next = at;
  while (next != 0) {
    at = next;
    const after = parseNumber(at);
    if (after == 0) return notANumber(at, out, datatype);
    if (out.at == out.end) out.grow();
    if (!storeFloat(datatype, out.at)) return fail(at, OUT_OF_RANGE);
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
  at = readIntegerRun(size, signed, at, limit, out);
  elementsRead = integersRead;
  commaTaken = integersRead > 0;
  if (commaTaken && (at >= limit || !startsNumber(at))) return at;
  let next = at;
  while (next != 0) {
    at = next;
    const after = parseNumber(at);
    if (after == 0) return fail(at, NOT_A_NUMBER);
    if (!decimalToInteger(bits, signed)) return fail(at, NOT_AN_INTEGER);
    if (out.at == out.end) out.grow();
    storeInteger(size, out.at);
    out.at += size;
    next = nextNumber(after, limit);
  }
  return elementEnd;
}

function startsNumber(at: usize): bool {
  const c = load<u8>(at);
  return c - Char._0 < 10 || c == Char.MINUS;
}

/** A piece without a separator: the start of a number, unless it cannot be one. */
function incomplete(at: usize, _to: usize): usize {
  return startsNumber(at) || startsNonFinite(load<u8>(at)) ? at : fail(at, NOT_A_NUMBER);
}

/**
 * Not a number: maybe NaN or an infinity, where the policy takes them. It is all there, as a separator is
 * behind it.
 */
function notANumber(at: usize, out: SlabChain, datatype: Datatype): usize {
  const end = readNonFinite(at);
  if (end == 0) return fail(at, NOT_A_NUMBER);
  appendNonFinite(datatype, nonFiniteValue, out);
  elementsRead++;
  commaTaken = false;
  return end;
}

function readBooleans(at: usize, to: usize, out: SlabChain): usize {
  while (at < to) {
    const c = load<u8>(at);
    const length: usize = c == Char.t ? 4 : 5;
    if (c != Char.t && c != Char.f) {
      commaTaken = elementsRead > 0;
      return elementsRead > 0 ? at : fail(at, NOT_A_BOOLEAN);
    }
    if (at + length > to) {
      commaTaken = elementsRead > 0;
      return at;
    }
    const word = load<u32>(at);
    const value = word == TRUE_TEXT;
    if (!value && (word != FALSE_TEXT || load<u8>(at + 4) != Char.e)) return fail(at, NOT_A_BOOLEAN);
    if (out.at == out.end) out.grow();
    store<u8>(out.at++, <u8>value);
    elementsRead++;
    at += length;
    if (at == to || load<u8>(at) != Char.COMMA) {
      commaTaken = false;
      return at;
    }
    at++;
    if (at < to && load<u8>(at) == Char.SPACE) at++;
  }
  commaTaken = true;
  return at;
}
