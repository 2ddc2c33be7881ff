import "../../filters/sdk/host/abort";
import { Datatype, elementSize } from "../../filters/model-protocol/datatype";
import { decimalToInteger, integerValue, parseNumber } from "../../filters/model-protocol/numbers/decimal";
import {
  decimalToBf16,
  decimalToF16,
  decimalToF32,
  decimalToF64,
} from "../../filters/model-protocol/numbers/decimal-float";
import { writeI64, writeU64 } from "../../filters/model-protocol/numbers/digits";
import { writeF32, writeF64 } from "../../filters/model-protocol/numbers/float-text";
import { appendPercentDecoded } from "../../filters/model-protocol/percent";
import { SlabChain } from "../../filters/protocol-conversion/body/slabs";
import {
  elementError,
  elementsRead,
  readElements,
} from "../../filters/protocol-conversion/tensor/read-elements";
import { appendBase64 as encodeBase64 } from "../../filters/protocol-conversion/tensorflow-serving/base64";
import { Base64Text } from "../../filters/protocol-conversion/tensorflow-serving/base64-text";
import { ByteBuffer } from "../../filters/sdk/bytes/byte-buffer";
import { hexDigit } from "../../filters/sdk/bytes/bytes";
import { parseInstant } from "../../filters/sdk/bytes/instant";
import { appendInstant } from "../../filters/sdk/bytes/instant-text";
import { appendUnescaped } from "../../filters/sdk/bytes/json-string";
import { appendJsonText, utf8SequenceLength } from "../../filters/sdk/bytes/json-text";
import { appendVarint, readVarint, varint, varintSize } from "../../filters/sdk/bytes/protobuf";
import { appendBase64 } from "../../filters/tenant-auth/crypto/base64";

/**
 * Cases made and checked within the VM, many of them a call. Each function runs `count` cases from a seed and returns the number of
 * the first one that failed its check, -1 when none did; the case's text is then at `failedPtr`.
 */

let state: u64 = 1;

/** xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016). */
function next(): u64 {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1d;
}

function below(limit: u32): u32 {
  return <u32>((next() >> 32) % limit);
}

/** Starts the generator anew: two seeds that lie close give streams that do not. */
function seedWith(seed: u64): void {
  state = (seed + 1) * 0x9e3779b97f4a7c15;
  for (let i = 0; i < 4; i++) next();
}

const SIZE: i32 = 4096;
const text: usize = heap.alloc(SIZE);
const other: usize = heap.alloc(SIZE);
const scratch: usize = heap.alloc(64);
const out: ByteBuffer = new ByteBuffer();
const back: ByteBuffer = new ByteBuffer();
let failedLen: i32 = 0;

export function failedPtr(): usize {
  return text;
}

export function failedLength(): i32 {
  return failedLen;
}

export function allocate(size: i32): usize {
  return heap.alloc(size);
}

/** A 64-bit word of few or many bits, so that small numbers and powers of two come as often as large ones. */
function anyWord(): u64 {
  const word = next();
  const kind = below(8);
  if (kind < 4) return word >> below(64);
  if (kind == 4) return ((<u64>1) << below(64)) + <u64>below(3) - 1;
  if (kind == 5) return u64.MAX_VALUE - <u64>below(1000);
  return word;
}

function anyF64(): f64 {
  const value = below(16) == 0 ? <f64>(<i64>anyWord()) : reinterpret<f64>(below(8) == 0 ? anyWord() : next());
  return isFinite(value) ? value : 0.1;
}

function anyF32(): f32 {
  const value = reinterpret<f32>(below(8) == 0 ? <u32>anyWord() : <u32>(next() >> 32));
  return isFinite(value) ? value : 0.1;
}

function digitsTo(at: usize, count: i32): usize {
  for (let i = 0; i < count; i++) store<u8>(at++, 0x30 + <u8>below(10));
  return at;
}

/** Writes a decimal number in one of many spellings; most lie where rounding is hard. @returns the byte after it */
function anyDecimal(at: usize): usize {
  const kind = below(8);
  if (kind < 3) {
    // The shortest text of a float, with digits more behind it or its last digit changed: near or between two floats.
    const from = at;
    at = kind == 0 ? writeF64(anyF64(), at) : writeF32(anyF32(), at);
    let e = from;
    while (e < at && load<u8>(e) != 0x65) e++;
    const rest = <i32>(at - e);
    memory.copy(scratch, e, rest);
    if (below(2) == 0) store<u8>(e - 1, 0x31 + <u8>below(9));
    at = digitsTo(e, below(24));
    if (below(4) == 0) {
      const zeros = below(40);
      memory.fill(at, 0x30, zeros);
      at += zeros;
      store<u8>(at++, 0x31);
    }
    memory.copy(at, scratch, rest);
    return at + rest;
  }
  if (below(2) == 0) store<u8>(at++, 0x2d);
  if (below(4) == 0) store<u8>(at++, 0x30);
  else {
    store<u8>(at++, 0x31 + <u8>below(9));
    at = digitsTo(at, below(kind == 3 ? 40 : 20));
  }
  if (below(3) != 0) {
    store<u8>(at++, 0x2e);
    if (below(6) == 0) {
      const zeros = below(30);
      memory.fill(at, 0x30, zeros);
      at += zeros;
    }
    at = digitsTo(at, 1 + below(kind == 4 ? 50 : 18));
  }
  if (below(2) == 0) {
    store<u8>(at++, below(2) == 0 ? 0x65 : 0x45);
    const sign = below(3);
    if (sign > 0) store<u8>(at++, sign == 1 ? 0x2d : 0x2b);
    at = digitsTo(at, 1 + below(kind == 5 ? 5 : 2));
  }
  return at;
}

/** Writes `count` decimals with a comma behind each, for a reference outside to read. @returns the length of the text */
export function decimals(seed: u64, count: i32, to: usize): i32 {
  seedWith(seed);
  let at = to;
  for (let i = 0; i < count; i++) {
    at = anyDecimal(at);
    store<u8>(at++, 0x2c);
  }
  return <i32>(at - to);
}

/** Parses `count` numbers that end with a comma each, into float64 and float32. @returns how many bytes that took, 0 on a refusal */
export function parseBoth(count: i32, ptr: usize, doubles: usize, floats: usize): i32 {
  let at = ptr;
  for (let i = 0; i < count; i++) {
    at = parseNumber(at);
    if (at == 0 || load<u8>(at) != 0x2c) return 0;
    at++;
    store<f64>(doubles + (i << 3), decimalToF64());
    store<f32>(floats + (i << 2), decimalToF32());
  }
  return <i32>(at - ptr);
}

/** Texts of float64 for a reference outside: `count` random ones go to `doubles`. @returns the length of the text */
export function doubleTexts(seed: u64, count: i32, doubles: usize, to: usize): i32 {
  seedWith(seed);
  let at = to;
  for (let i = 0; i < count; i++) {
    const value = anyF64();
    store<f64>(doubles + (i << 3), value);
    at = writeF64(value, at);
    store<u8>(at++, 0x2c);
  }
  return <i32>(at - to);
}

function failed(i: i32, end: usize): i32 {
  failedLen = <i32>(end - text);
  return i;
}

/** Float -> text -> float: the same bits. */
export function floatRoundTrips(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    let end: usize;
    let same: bool;
    if ((i & 1) == 0) {
      const value = anyF64();
      end = writeF64(value, text);
      store<u8>(end, 0x2c);
      same = parseNumber(text) == end && reinterpret<u64>(decimalToF64()) == reinterpret<u64>(value);
    } else {
      const value = anyF32();
      end = writeF32(value, text);
      store<u8>(end, 0x2c);
      same = parseNumber(text) == end && reinterpret<u32>(decimalToF32()) == reinterpret<u32>(value);
    }
    if (!same) return failed(i, end);
  }
  return -1;
}

/** Bits of the largest finite float of 16 bits, and how many its fraction has. */
const F16_MAX: u32 = 0x7bff;
const BF16_MAX: u32 = 0x7f7f;

function f16Value(bits: u32): f64 {
  const exponent = bits >> 10;
  const fraction = bits & 0x3ff;
  return exponent == 0
    ? <f64>fraction * reinterpret<f64>((<u64>(1023 - 24)) << 52)
    : <f64>(fraction | 0x400) * reinterpret<f64>((<u64>(1023 + exponent - 25)) << 52);
}

function bf16Value(bits: u32): f64 {
  return <f64>reinterpret<f32>(bits << 16);
}

/** A decimal between two float16 or bfloat16 becomes the nearer one. */
export function halfFloats(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const half = (i & 1) == 0;
    const most = half ? F16_MAX : BF16_MAX;
    const bits = below(most);
    const low = half ? f16Value(bits) : bf16Value(bits);
    const high = half ? f16Value(bits + 1) : bf16Value(bits + 1);
    // Never the very middle: the shortest text of a float64 may lie on either side of it.
    const share = <f64>(below(1 << 20) | 1) / <f64>(1 << 20);
    const value = low + (high - low) * share;
    const end = writeF64(value, text);
    store<u8>(end, 0x2c);
    if (parseNumber(text) != end) return failed(i, end);
    const got: u32 = half ? decimalToF16() : decimalToBf16();
    const wanted: u32 = share < 0.5 ? bits : bits + 1;
    if (got != wanted) return failed(i, end);
  }
  return -1;
}

/** Integer -> text -> integer; one bit too few for it refuses it. */
export function integers(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const word = anyWord();
    const signed = (i & 1) == 0;
    const end = signed ? writeI64(<i64>word, text) : writeU64(word, text);
    store<u8>(end, 0x2c);
    const magnitude = signed && <i64>word < 0 ? ~word : word;
    const needed = 64 - <i32>clz(magnitude) + <i32>signed;
    if (parseNumber(text) != end || !decimalToInteger(64, signed) || integerValue != word)
      return failed(i, end);
    for (let bits: i32 = 8; bits < 64; bits <<= 1)
      if (decimalToInteger(bits, signed) != needed <= bits) return failed(i, end);
  }
  return -1;
}

const chain: SlabChain = new SlabChain();

/** Runs of numbers with any white space and neighbours, as the fast loops read them and as one at a time does. */
export function runs(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const datatype = <Datatype>(Datatype.UINT8 + below(12));
    let at = text;
    let expected = other;
    let refused = false;
    const length = <i32>(1 + below(24));
    const size = elementSize(datatype);
    for (let n = 0; n < length; n++) {
      const from = at;
      if (isFloatType(datatype)) at = anyDecimal(at);
      else if (isSignedType(datatype)) at = writeI64(<i64>anyWord() >> below(64), at);
      else at = writeU64(anyWord() >> below(64), at);
      const separator: u8 = n + 1 < length ? 0x2c : 0x5d;
      store<u8>(at, separator);
      if (!refused) {
        const read = parseNumber(from) == at && storeOne(datatype, size, expected);
        if (read) expected += size;
        else refused = true;
      }
      at++;
      if (separator == 0x2c && below(3) == 0) store<u8>(at++, 0x20);
    }
    const got = readElements(datatype, text, at, chain);
    const same = refused
      ? elementError != null
      : elementError == null &&
        got == at - 1 &&
        elementsRead == length &&
        chainHolds(other, <i32>(expected - other));
    drain();
    if (!same) return failed(i, at);
  }
  return -1;
}

function isFloatType(datatype: Datatype): bool {
  return datatype >= Datatype.FP16 && datatype <= Datatype.FP64;
}

function isSignedType(datatype: Datatype): bool {
  return datatype >= Datatype.INT8 && datatype <= Datatype.INT64;
}

function storeOne(datatype: Datatype, size: i32, to: usize): bool {
  if (datatype == Datatype.FP64) {
    store<f64>(to, decimalToF64());
    return isFinite(load<f64>(to));
  }
  if (datatype == Datatype.FP32) {
    store<f32>(to, decimalToF32());
    return isFinite(load<f32>(to));
  }
  if (datatype == Datatype.FP16) {
    store<u16>(to, decimalToF16());
    return (load<u16>(to) & 0x7c00) != 0x7c00;
  }
  if (datatype == Datatype.BF16) {
    store<u16>(to, decimalToBf16());
    return (load<u16>(to) & 0x7f80) != 0x7f80;
  }
  if (!decimalToInteger(size << 3, isSignedType(datatype))) return false;
  store<u64>(to, integerValue);
  return true;
}

function chainHolds(ptr: usize, len: i32): bool {
  if (chain.length != len) return false;
  const slab = chain.firstSlab;
  return len == 0 || memory.compare(chain.slabData(slab), ptr, len) == 0;
}

function drain(): void {
  while (chain.firstSlab != 0) chain.releaseFirst();
}

function anyBytes(to: usize, len: i32): void {
  const kind = below(4);
  for (let i = 0; i < len; i++) {
    const byte = <u8>(next() >> 56);
    store<u8>(
      to + i,
      kind == 0 ? byte : kind == 1 ? byte & 0x7f : below(12) == 0 ? byte : 0x20 + (byte & 0x3f),
    );
  }
  if (kind == 3) {
    // Characters of two to four bytes between the others.
    for (let i = 0; i + 4 <= len; i += 4 + below(8)) {
      const point = below(4) == 0 ? below(0x110000) : 0x80 + below(0x800);
      if (point < 0x800) store<u16>(to + i, <u16>(0x80c0 | (point >> 6) | ((point & 63) << 8)));
      else if (point < 0x10000) {
        store<u8>(to + i, <u8>(0xe0 | (point >> 12)));
        store<u8>(to + i + 1, <u8>(0x80 | ((point >> 6) & 63)));
        store<u8>(to + i + 2, <u8>(0x80 | (point & 63)));
      } else {
        store<u8>(to + i, <u8>(0xf0 | (point >> 18)));
        store<u8>(to + i + 1, <u8>(0x80 | ((point >> 12) & 63)));
        store<u8>(to + i + 2, <u8>(0x80 | ((point >> 6) & 63)));
        store<u8>(to + i + 3, <u8>(0x80 | (point & 63)));
      }
    }
  }
}

/** Any bytes -> JSON string -> the same bytes, where they are UTF-8; U+FFFD for each that is not. */
export function strings(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const len = below(100);
    anyBytes(text, len);
    out.clear();
    appendJsonText(out, text, len);
    back.clear();
    if (!appendUnescaped(back, out.ptr, out.end)) return failed(i, text + len);
    let at = text;
    let to = other;
    while (at < text + len) {
      const sequence = sequenceLength(at, text + len);
      if (sequence != utf8SequenceLength(at, text + len)) return failed(i, text + len);
      if (sequence == 0) {
        store<u32>(to, 0xbdbfef);
        to += 3;
        at++;
      } else {
        memory.copy(to, at, sequence);
        at += sequence;
        to += sequence;
      }
    }
    if (back.len != <i32>(to - other) || memory.compare(back.ptr, other, back.len) != 0)
      return failed(i, text + len);
    for (let at = out.ptr; at < out.end; at++)
      if (load<u8>(at) < 0x20 || load<u8>(at) == 0x7f) return failed(i, text + len);
  }
  return -1;
}

/** Length of a UTF-8 sequence by decoding it: shortest form, no surrogate, at most U+10FFFF (RFC 3629). */
function sequenceLength(ptr: usize, end: usize): i32 {
  const first = <u32>load<u8>(ptr);
  if (first < 0x80) return 1;
  const len = <i32>clz<u32>(~(first << 24));
  if (len < 2 || len > 4 || ptr + len > end) return 0;
  let point = first & ((1 << (7 - len)) - 1);
  for (let i = 1; i < len; i++) {
    const byte = <u32>load<u8>(ptr + i);
    if (byte >> 6 != 2) return 0;
    point = (point << 6) | (byte & 63);
  }
  const least: u32 = len == 2 ? 0x80 : len == 3 ? 0x800 : 0x10000;
  return point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000) ? 0 : len;
}

const base64Text: Base64Text = new Base64Text();

/** Any bytes -> base64 -> the same bytes, by both decoders, in two pieces; with one character changed both say what a bit count says. */
export function base64(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const len = below(60);
    anyBytes(other, len);
    out.clear();
    encodeBase64(out, other, other + len);
    memory.copy(text, out.ptr, out.len);
    let length = out.len;
    const changed = below(2) == 0 && length > 0;
    if (changed) {
      const kind = below(3);
      if (kind == 0) store<u8>(text + below(length), <u8>(next() >> 56));
      else if (kind == 1) length -= 1;
      else store<u8>(text + length++, 0x41);
    }
    back.clear();
    const strict = appendBase64(back, text, length);
    const canonical = strict && reencodes(length);
    if (changed ? strict && !canonical : !strict || !sameAs(other, len)) return failed(i, text + length);
    store<u8>(text + length, 0x22);
    base64Text.begin();
    const cut = text + below(length + 1);
    let at = base64Text.take(text, cut, chain);
    if (!base64Text.malformed) at = base64Text.take(at, text + length + 1, chain);
    const taken = !base64Text.malformed && !base64Text.open;
    const good = taken ? !strict || chainHolds(back.ptr, back.len) : !strict;
    drain();
    if (!good) return failed(i, text + length);
  }
  return -1;
}

/** Is the text at `text` what encoding the bytes in `back` gives? */
function reencodes(length: i32): bool {
  out.clear();
  encodeBase64(out, back.ptr, back.end);
  return out.len == length && memory.compare(out.ptr, text, length) == 0;
}

function sameAs(ptr: usize, len: i32): bool {
  return back.len == len && memory.compare(back.ptr, ptr, len) == 0;
}

/** Varints: written and read, cut short, and with too many bytes. */
export function varints(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const value = anyWord();
    out.clear();
    appendVarint(out, value);
    memory.copy(text, out.ptr, out.len);
    const end = text + out.len;
    if (out.len != varintSize(value) || readVarint(text, end) != end || varint != value)
      return failed(i, end);
    if (readVarint(text, text + below(out.len)) != 0) return failed(i, end);
    memory.fill(text, 0x80, 11);
    if (readVarint(text, text + 11) != 0) return failed(i, text + 11);
  }
  return -1;
}

/** Milliseconds -> RFC 3339 -> seconds. */
export function instants(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const milliseconds: u64 = next() % 253402300799000;
    out.clear();
    appendInstant(out, milliseconds);
    memory.copy(text, out.ptr, out.len);
    const seconds = <u64>parseInstant(String.UTF8.decodeUnsafe(out.ptr, out.len));
    if (seconds != milliseconds / 1000) return failed(i, text + out.len);
    if ((i & 1023) == 1023) __collect();
  }
  return -1;
}

/** Percent-encoded text, all or some of it encoded, and percent signs that encode nothing. */
export function percents(seed: u64, count: i32): i32 {
  seedWith(seed);
  for (let i = 0; i < count; i++) {
    const len = below(40);
    anyBytes(other, len);
    let at = text;
    for (let n: u32 = 0; n < len; n++) {
      const byte = load<u8>(other + n);
      if (byte == 0x25 || below(3) == 0) {
        store<u8>(at, 0x25);
        store<u8>(at + 1, hex(byte >> 4));
        store<u8>(at + 2, hex(byte & 15));
        at += 3;
      } else store<u8>(at++, byte);
    }
    out.clear();
    appendPercentDecoded(out, text, <i32>(at - text));
    if (out.len != len || memory.compare(out.ptr, other, len) != 0) return failed(i, at);
  }
  return -1;
}

function hex(digit: u8): u8 {
  const small: u8 = below(2) == 0 ? 0x57 : 0x37;
  const c: u8 = digit < 10 ? 0x30 + digit : small + digit;
  return <i32>hexDigit(c) == digit ? c : 0;
}
