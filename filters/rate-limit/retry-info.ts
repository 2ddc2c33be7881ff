import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes } from "../sdk/bytes/bytes";
import { appendField, appendTag, appendVarint, VARINT } from "../sdk/bytes/protobuf";

const TYPE_URL = bytes("type.googleapis.com/google.rpc.RetryInfo");
const BASE64 = bytes("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

const duration: ByteBuffer = new ByteBuffer();
const info: ByteBuffer = new ByteBuffer();
const any: ByteBuffer = new ByteBuffer();
const status: ByteBuffer = new ByteBuffer();

/**
 * Appends google.rpc.Status {code, message, details: [RetryInfo {retry_delay}]} (googleapis,
 * google/rpc/status.proto and error_details.proto) in base64 without padding, as a `-bin` header carries it.
 */
export function retryInfo(out: ByteBuffer, code: u32, message: ByteBuffer, milliseconds: u64): void {
  duration.clear();
  appendNumber(duration, 1, milliseconds / 1000);
  appendNumber(duration, 2, (milliseconds % 1000) * 1_000_000);
  info.clear();
  appendField(info, 1, duration.ptr, duration.len);
  any.clear();
  appendField(any, 1, TYPE_URL.ptr, TYPE_URL.len);
  appendField(any, 2, info.ptr, info.len);
  status.clear();
  appendNumber(status, 1, code);
  appendField(status, 2, message.ptr, message.len);
  appendField(status, 3, any.ptr, any.len);
  appendBase64(out, status.ptr, status.len);
}

function appendNumber(out: ByteBuffer, field: i32, value: u64): void {
  if (value == 0) return;
  appendTag(out, field, VARINT);
  appendVarint(out, value);
}

function appendBase64(out: ByteBuffer, ptr: usize, len: i32): void {
  for (let i: i32 = 0; i < len; i += 3) {
    const left = len - i;
    const group: u32 =
      ((<u32>load<u8>(ptr + i)) << 16) |
      (left > 1 ? (<u32>load<u8>(ptr + i + 1)) << 8 : 0) |
      (left > 2 ? <u32>load<u8>(ptr + i + 2) : 0);
    const digits = left > 2 ? 4 : left + 1;
    for (let d = 0; d < digits; d++) out.appendByte(load<u8>(BASE64.ptr + ((group >> (18 - 6 * d)) & 63)));
  }
}
