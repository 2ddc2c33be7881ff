import { model, version, versionIsLabel } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendField, appendTag, appendVarint, VARINT } from "../../sdk/bytes/protobuf";

const NAME: i32 = 1;
const VERSION: i32 = 2;
const SIGNATURE_NAME: i32 = 3;
const VERSION_LABEL: i32 = 4;
const INT64_VALUE: i32 = 1;

/** Both questions have a `ModelSpec` as this field; the second says what of the model's metadata it wants. */
const REQUEST_SPEC: i32 = 1;
const REQUEST_METADATA_FIELD: i32 = 2;
const SIGNATURE_DEF = bytes("signature_def");

const spec: ByteBuffer = new ByteBuffer();
const wrapper: ByteBuffer = new ByteBuffer();

/** Appends a `tensorflow.serving.ModelSpec` of the names in the path; without a version it means the newest one. */
export function appendModelSpec(out: ByteBuffer): void {
  appendField(out, NAME, model.ptr, model.len);
  if (version.len == 0) return;
  if (versionIsLabel) {
    appendField(out, VERSION_LABEL, version.ptr, version.len);
    return;
  }
  let number: u64 = 0;
  for (let i = 0; i < version.len; i++) number = number * 10 + (load<u8>(version.ptr + i) - Char._0);
  wrapper.clear();
  appendTag(wrapper, INT64_VALUE, VARINT);
  appendVarint(wrapper, number);
  appendField(out, VERSION, wrapper.ptr, wrapper.len);
}

/** Appends a `GetModelStatusRequest` of the names in the path. */
export function appendStatusRequest(out: ByteBuffer): void {
  spec.clear();
  appendModelSpec(spec);
  appendField(out, REQUEST_SPEC, spec.ptr, spec.len);
}

/** Appends a `GetModelMetadataRequest` of the names in the path. */
export function appendMetadataRequest(out: ByteBuffer): void {
  appendStatusRequest(out);
  appendField(out, REQUEST_METADATA_FIELD, SIGNATURE_DEF.ptr, SIGNATURE_DEF.len);
}

/** Completes it with the name of a signature. */
export function appendSignatureName(out: ByteBuffer, ptr: usize, len: i32): void {
  if (len > 0) appendField(out, SIGNATURE_NAME, ptr, len);
}
