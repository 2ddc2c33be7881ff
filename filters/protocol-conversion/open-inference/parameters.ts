import { MessageReader } from "../../model-protocol/message-reader";
import { decimalToInteger, integerValue, integral } from "../../model-protocol/numbers/decimal";
import { decimalToF64 } from "../../model-protocol/numbers/decimal-float";
import { MAX_INTEGER_TEXT, writeI64, writeU64 } from "../../model-protocol/numbers/digits";
import { MAX_FLOAT_TEXT, writeF64 } from "../../model-protocol/numbers/float-text";
import {
  ENTRY_KEY,
  ENTRY_VALUE,
  PARAMETER_BOOL,
  PARAMETER_DOUBLE,
  PARAMETER_INT64,
  PARAMETER_STRING,
  PARAMETER_UINT64,
} from "../../model-protocol/open-inference-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { appendField, appendTag, appendVarint, FIXED64, VARINT } from "../../sdk/bytes/protobuf";

/** JSON members of `parameters` <-> entries of `map<string, InferParameter>`. */

const choice: ByteBuffer = new ByteBuffer();
const entry: ByteBuffer = new ByteBuffer();
const fields: MessageReader = new MessageReader();

function appendEntry(out: ByteBuffer, field: i32, key: ByteBuffer): void {
  entry.clear();
  appendField(entry, ENTRY_KEY, key.ptr, key.len);
  appendField(entry, ENTRY_VALUE, choice.ptr, choice.len);
  appendField(out, field, entry.ptr, entry.len);
}

/** Appends the map `field`'s entry of `key` for a boolean. */
export function appendBoolean(out: ByteBuffer, field: i32, key: ByteBuffer, value: bool): void {
  choice.clear();
  appendTag(choice, PARAMETER_BOOL, VARINT);
  appendVarint(choice, <u64>value);
  appendEntry(out, field, key);
}

export function appendString(out: ByteBuffer, field: i32, key: ByteBuffer, ptr: usize, len: i32): void {
  choice.clear();
  appendField(choice, PARAMETER_STRING, ptr, len);
  appendEntry(out, field, key);
}

/**
 * As `appendBoolean`, for the number that `parseNumber` read: int64 for an integer, else double, as Triton's
 * REST sends them.
 * @returns false for a number beyond the range of double
 */
export function appendNumber(out: ByteBuffer, field: i32, key: ByteBuffer): bool {
  choice.clear();
  if (integral && decimalToInteger(64, true)) {
    appendTag(choice, PARAMETER_INT64, VARINT);
    appendVarint(choice, integerValue);
  } else {
    const value = decimalToF64();
    if (!isFinite<f64>(value)) return false;
    appendTag(choice, PARAMETER_DOUBLE, FIXED64);
    choice.reserve(8);
    store<f64>(choice.end, value);
    choice.len += 8;
  }
  appendEntry(out, field, key);
  return true;
}

/**
 * As `appendNumber`, for a sequence id, of 64 bits without a sign: the protocol has an int64 for it, and
 * servers take its bits.
 * @returns false for any other number
 */
export function appendSequenceId(out: ByteBuffer, field: i32, key: ByteBuffer): bool {
  if (!integral || !decimalToInteger(64, false)) return false;
  choice.clear();
  appendTag(choice, PARAMETER_INT64, VARINT);
  appendVarint(choice, integerValue);
  appendEntry(out, field, key);
  return true;
}

/**
 * Appends the entry [from, to) as a member of a JSON object, `"key":value`; a value that is not set becomes
 * null.
 * @returns false when it is malformed
 */
export function appendMember(out: ByteBuffer, from: usize, to: usize): bool {
  let key: usize = 0;
  let keyLength = 0;
  let value: usize = 0;
  let valueEnd: usize = 0;
  for (fields.start(from, to); fields.next(); ) {
    if (fields.isBytes(ENTRY_KEY)) {
      key = fields.from;
      keyLength = fields.length;
    } else if (fields.isBytes(ENTRY_VALUE)) {
      value = fields.from;
      valueEnd = fields.to;
    }
  }
  if (fields.malformed) return false;
  appendJsonString(out, key, keyLength, i32.MAX_VALUE);
  out.appendByte(Char.COLON);
  return appendValue(out, value, valueEnd);
}

const NULL_TEXT: u32 = 0x6c6c756e;
const TRUE_TEXT: u32 = 0x65757274;
const FALSE_TEXT: u32 = 0x736c6166; // fals

function appendValue(out: ByteBuffer, from: usize, to: usize): bool {
  out.reserve(MAX_FLOAT_TEXT + MAX_INTEGER_TEXT);
  const start = out.len;
  store<u32>(out.end, NULL_TEXT);
  out.len += 4;
  for (fields.start(from, to); fields.next(); ) {
    out.len = start;
    if (fields.isBytes(PARAMETER_STRING)) {
      appendJsonString(out, fields.from, fields.length, i32.MAX_VALUE);
    } else if (fields.field == PARAMETER_DOUBLE && fields.wireType == FIXED64) {
      out.len = <i32>(writeF64(load<f64>(fields.from), out.end) - out.ptr);
    } else if (fields.isVarint(PARAMETER_BOOL)) {
      store<u32>(out.end, fields.value != 0 ? TRUE_TEXT : FALSE_TEXT);
      store<u8>(out.end, Char.e, 4);
      out.len += fields.value != 0 ? 4 : 5;
    } else if (fields.isVarint(PARAMETER_INT64)) {
      out.len = <i32>(writeI64(<i64>fields.value, out.end) - out.ptr);
    } else if (fields.isVarint(PARAMETER_UINT64)) {
      out.len = <i32>(writeU64(fields.value, out.end) - out.ptr);
    } else {
      store<u32>(out.end, NULL_TEXT);
      out.len += 4;
    }
    out.reserve(MAX_FLOAT_TEXT + MAX_INTEGER_TEXT);
  }
  return !fields.malformed;
}
