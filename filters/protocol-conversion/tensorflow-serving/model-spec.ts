import { route } from "../../model-protocol/route";
import {
  INT64_VALUE,
  MODEL_SPEC,
  SPEC_NAME,
  SPEC_SIGNATURE_NAME,
  SPEC_VERSION,
  SPEC_VERSION_LABEL,
} from "../../model-protocol/tensor-proto-fields";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendField, appendTag, appendVarint, VARINT } from "../../sdk/bytes/protobuf";

/** Of `GetModelMetadataRequest`: which metadata it asks for. */
const METADATA_FIELD: i32 = 2;
const SIGNATURE_DEF = bytes("signature_def");

const spec: ByteBuffer = new ByteBuffer();
const wrapper: ByteBuffer = new ByteBuffer();

/**
 * Appends a `tensorflow.serving.ModelSpec` of the names in the path; without a version it means the newest
 * one.
 */
export function appendModelSpec(out: ByteBuffer): void {
  const model = route.model;
  const version = route.version;
  appendField(out, SPEC_NAME, model.ptr, model.len);
  if (version.len == 0) return;
  if (route.versionIsLabel) {
    appendField(out, SPEC_VERSION_LABEL, version.ptr, version.len);
    return;
  }
  let number: u64 = 0;
  for (let i = 0; i < version.len; i++) number = number * 10 + (load<u8>(version.ptr + i) - Char._0);
  wrapper.clear();
  appendTag(wrapper, INT64_VALUE, VARINT);
  appendVarint(wrapper, number);
  appendField(out, SPEC_VERSION, wrapper.ptr, wrapper.len);
}

/** Appends a `GetModelStatusRequest` of the names in the path. */
export function appendStatusRequest(out: ByteBuffer): void {
  spec.clear();
  appendModelSpec(spec);
  appendField(out, MODEL_SPEC, spec.ptr, spec.len);
}

/** Appends a `GetModelMetadataRequest` of the names in the path. */
export function appendMetadataRequest(out: ByteBuffer): void {
  appendStatusRequest(out);
  appendField(out, METADATA_FIELD, SIGNATURE_DEF.ptr, SIGNATURE_DEF.len);
}

/** Completes it with the name of a signature. */
export function appendSignatureName(out: ByteBuffer, ptr: usize, len: i32): void {
  if (len > 0) appendField(out, SPEC_SIGNATURE_NAME, ptr, len);
}
