import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { appendField, appendTag, appendVarint, VARINT } from "../../sdk/bytes/protobuf";

const NAME: i32 = 1;
const VERSION: i32 = 2;
const SIGNATURE_NAME: i32 = 3;
const VERSION_LABEL: i32 = 4;
const INT64_VALUE: i32 = 1;

const wrapper: ByteBuffer = new ByteBuffer();

/** Appends a `tensorflow.serving.ModelSpec`; `version` is a number, or a label if `isLabel`. Empty: the newest one. */
export function appendModelSpec(
  out: ByteBuffer,
  model: ByteBuffer,
  version: ByteBuffer,
  isLabel: bool,
): void {
  appendField(out, NAME, model.ptr, model.len);
  if (version.len == 0) return;
  if (isLabel) {
    appendField(out, VERSION_LABEL, version.ptr, version.len);
    return;
  }
  let number: u64 = 0;
  for (let i = 0; i < version.len; i++) number = number * 10 + (load<u8>(version.ptr + i) - 0x30);
  wrapper.clear();
  appendTag(wrapper, INT64_VALUE, VARINT);
  appendVarint(wrapper, number);
  appendField(out, VERSION, wrapper.ptr, wrapper.len);
}

/** Completes it with the name of a signature. */
export function appendSignatureName(out: ByteBuffer, ptr: usize, len: i32): void {
  if (len > 0) appendField(out, SIGNATURE_NAME, ptr, len);
}
