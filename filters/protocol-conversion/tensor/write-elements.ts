import { Datatype, elementSize } from "../../model-protocol/datatype";
import { writeI64, writeU64 } from "../../model-protocol/numbers/digits";
import {
  expectMillionths,
  MAX_FLOAT_TEXT,
  writeBf16,
  writeF16,
  writeF32,
  writeF64,
} from "../../model-protocol/numbers/float-text";
import { Char, hexCharacter } from "../../sdk/bytes/chars";
import { utf8SequenceLength } from "../../sdk/bytes/json-text";
import { SlabChain } from "../body/slabs";

/** The hot loops of the other direction: little-endian tensor elements -> JSON, with commas between them. */

/** Room for one number with its comma. */
const ELEMENT_TEXT: usize = MAX_FLOAT_TEXT + 1;
const beside: usize = memory.data(64);

const TRUE_TEXT: u32 = 0x65757274;
const FALSE_TEXT: u32 = 0x736c6166; // fals

/** Writes one element of a fixed size. @returns the byte after it */
export function writeElement(datatype: Datatype, at: usize, to: usize): usize {
  if (datatype == Datatype.FP32) return writeF32(load<f32>(at), to);
  if (datatype == Datatype.INT64) return writeI64(load<i64>(at), to);
  if (datatype == Datatype.FP64) return writeF64(load<f64>(at), to);
  if (datatype == Datatype.INT32) return writeI64(load<i32>(at), to);
  if (datatype == Datatype.BOOL) return writeBoolean(load<u8>(at) != 0, to);
  if (datatype == Datatype.UINT8) return writeU64(load<u8>(at), to);
  if (datatype == Datatype.UINT16) return writeU64(load<u16>(at), to);
  if (datatype == Datatype.UINT32) return writeU64(load<u32>(at), to);
  if (datatype == Datatype.UINT64) return writeU64(load<u64>(at), to);
  if (datatype == Datatype.INT8) return writeI64(load<i8>(at), to);
  if (datatype == Datatype.INT16) return writeI64(load<i16>(at), to);
  return datatype == Datatype.FP16 ? writeF16(load<u16>(at), to) : writeBf16(load<u16>(at), to);
}

function writeBoolean(value: bool, to: usize): usize {
  store<u32>(to, value ? TRUE_TEXT : FALSE_TEXT);
  store<u8>(to + 4, Char.e);
  return to + 5 - <usize>value;
}

/**
 * Writes the elements of [from, to), whole ones of a fixed size; a comma before the first one unless it is
 * `first`.
 */
export function writeElements(datatype: Datatype, from: usize, to: usize, first: bool, out: SlabChain): void {
  const size = elementSize(datatype);
  let at = from;
  if (first && at < to) {
    const end = writeElement(datatype, at, beside);
    out.append(beside, <i32>(end - beside));
    at += size;
  }
  while (at < to) {
    if (out.end - out.at < ELEMENT_TEXT) {
      store<u8>(beside, Char.COMMA);
      const end = writeElement(datatype, at, beside + 1);
      out.append(beside, <i32>(end - beside));
      at += size;
      continue;
    }
    at = datatype == Datatype.FP32 ? runF32(at, to, out) : run(datatype, at, to, out);
  }
}

function runF32(at: usize, to: usize, out: SlabChain): usize {
  expectMillionths();
  const limit = out.end - ELEMENT_TEXT;
  let text = out.at;
  while (at < to && text <= limit) {
    store<u8>(text, Char.COMMA);
    text = writeF32(load<f32>(at), text + 1);
    at += 4;
  }
  out.at = text;
  return at;
}

function run(datatype: Datatype, at: usize, to: usize, out: SlabChain): usize {
  const size = elementSize(datatype);
  const limit = out.end - ELEMENT_TEXT;
  let text = out.at;
  while (at < to && text <= limit) {
    store<u8>(text, Char.COMMA);
    text = writeElement(datatype, at, text + 1);
    at += size;
  }
  out.at = text;
  return at;
}

/** How many of 16 bytes stand before the first that is not ASCII or is escaped in JSON. */
function plainCount(bytes: v128): usize {
  const quotes = v128.or(
    i8x16.eq(bytes, i8x16.splat(Char.QUOTE)),
    i8x16.eq(bytes, i8x16.splat(Char.BACKSLASH)),
  );
  const others = v128.or(
    i8x16.lt_s(bytes, i8x16.splat(Char.SPACE)),
    i8x16.eq(bytes, i8x16.splat(Char.DELETE)),
  );
  return ctz<i32>(i8x16.bitmask(v128.or(quotes, others)) | 0x10000);
}

const VECTOR: usize = 16;
/** Comma and quotes. */
const AROUND_TEXT: usize = 3;

/**
 * How many elements the last `writeTextRun` wrote. A variable of the module, as the loop over strings reads
 * it.
 */
export let textsWritten: i32 = 0;

/**
 * Writes elements of BYTES, each with its length in four bytes before it, as JSON strings, a comma before
 * each but one that is `first`, as long as they are plain, all there and fit the slab at hand; 16 bytes
 * behind `to` must be readable.
 * @returns the first byte not used
 */
export function writeTextRun(at: usize, to: usize, first: bool, out: SlabChain): usize {
  let count = 0;
  let target = out.at;
  while (at + 4 <= to) {
    const length = <usize>load<u32>(at);
    if (length > to - at - 4 || length + (AROUND_TEXT + VECTOR) > out.end - target) break;
    const end = at + 4 + length;
    store<u16>(target, 0x222c);
    if (first) store<u8>(target, Char.QUOTE);
    const text = target + 2 - <usize>first;
    let from = at + 4;
    while (from < end) {
      const bytes = v128.load(from);
      v128.store(text + (from - at - 4), bytes);
      if (plainCount(bytes) < min(end - from, VECTOR)) break;
      from += VECTOR;
    }
    if (from < end) break;
    store<u8>(text + length, Char.QUOTE);
    target = text + length + 1;
    first = false;
    count++;
    at = end;
  }
  out.at = target;
  textsWritten = count;
  return at;
}

/**
 * Writes bytes as the inside of a JSON string; malformed UTF-8 becomes U+FFFD. @returns the first byte not
 * written: a UTF-8 sequence may go on behind `to`, unless `last`
 */
export function writeText(at: usize, to: usize, last: bool, out: SlabChain): usize {
  while (at < to) {
    while (at + 16 <= to && out.end - out.at >= 16) {
      const bytes = v128.load(at);
      v128.store(out.at, bytes);
      const plain = plainCount(bytes);
      at += plain;
      out.at += plain;
      if (plain < 16) break;
    }
    if (at == to) break;
    const c = load<u8>(at);
    if (c >= Char.SPACE && c < Char.DELETE) {
      if (c == Char.QUOTE || c == Char.BACKSLASH) out.appendByte(Char.BACKSLASH);
      out.appendByte(c);
      at++;
    } else if (c < 0x80) {
      store<u32>(beside, 0x30_30_75_5c); // \u00
      store<u8>(beside + 4, hexCharacter(c >> 4));
      store<u8>(beside + 5, hexCharacter(c & 15));
      out.append(beside, 6);
      at++;
    } else {
      const length = utf8SequenceLength(at, to);
      if (length > 0) {
        out.append(at, length);
        at += length;
      } else {
        if (!last && to - at < 4) break;
        store<u32>(beside, 0xbd_bf_ef); // U+FFFD
        out.append(beside, 3);
        at++;
      }
    }
  }
  return at;
}
