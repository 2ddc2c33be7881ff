import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { CONTENT_LENGTH } from "../sdk/bytes/header-names";
import { REQUEST_BODY, REQUEST_HEADERS } from "../sdk/host/abi";
import { appendBody } from "../sdk/host/body";
import { proxy_set_buffer_bytes } from "../sdk/host/env";
import { getHeader, headerValue, setHeader } from "../sdk/host/headers";
import { BodyReader } from "./body-reader";
import { pieceData, readPiece } from "./pieces";

/**
 * Puts another name in the place of the model's, in a body that is held whole so far. The host takes bytes
 * at the front and puts some behind, so all of it goes round once, in pieces: the memory that this needs
 * does not grow with the body.
 */
export function replaceModel(reader: BodyReader, name: Bytes): void {
  const before = <i32>reader.modelStart;
  const model = <i32>(reader.modelEnd - reader.modelStart);
  const behind = reader.read - before - model;
  moveBehind(before);
  drop(model);
  text.clear();
  text.appendByte(Char.QUOTE);
  text.appendBytes(name);
  text.appendByte(Char.QUOTE);
  appendBody(REQUEST_BODY, text.ptr, text.len);
  moveBehind(behind);
  changeLength(text.len - model);
}

/** Moves bytes from the front to the end. */
function moveBehind(length: i32): void {
  for (let left = length; left > 0; ) {
    const size = readPiece(0, left);
    if (size == 0) return;
    appendBody(REQUEST_BODY, pieceData(), size);
    drop(size);
    left -= size;
  }
}

function drop(length: i32): void {
  proxy_set_buffer_bytes(REQUEST_BODY, 0, length, 0, 0);
}

export function changeLength(by: i32): void {
  const len = getHeader(REQUEST_HEADERS, CONTENT_LENGTH);
  if (len <= 0) return;
  let length: i64 = by;
  let told: i64 = 0;
  for (let i: i32 = 0; i < len; i++) told = told * 10 + <i64>(load<u8>(headerValue() + i) - Char._0);
  length += told;
  text.clear();
  text.appendDecimal(<u64>length);
  setHeader(REQUEST_HEADERS, CONTENT_LENGTH, text.ptr, text.len);
}

const text: ByteBuffer = new ByteBuffer();
