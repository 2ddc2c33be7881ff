import { route } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { appendField } from "../../sdk/bytes/protobuf";

const NAME: i32 = 1;
const VERSION: i32 = 2;

/**
 * Appends `ModelReadyRequest`, `ModelMetadataRequest`, or, where the path names no model, an empty message.
 */
export function appendModelRequest(out: ByteBuffer): void {
  const model = route.model;
  const version = route.version;
  if (model.len > 0) appendField(out, NAME, model.ptr, model.len);
  if (version.len > 0) appendField(out, VERSION, version.ptr, version.len);
}
