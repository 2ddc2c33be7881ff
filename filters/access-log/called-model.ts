import { FRAME_HEADER_BYTES, isCompressed } from "../model-protocol/grpc-frame";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { bytes, startsWith } from "../sdk/bytes/bytes";
import { LENGTH_DELIMITED, readTag, tagField, tagLength, tagWireType } from "../sdk/bytes/protobuf";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_BODY } from "../sdk/host/abi";
import { bufferData, readBuffer } from "../sdk/host/body";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";

/**
 * Methods whose request names the model in its first field: as a text, or in a `ModelSpec`, whose first field
 * it is.
 */
const OPEN_INFERENCE = bytes("/inference.GRPCInferenceService/Model");
const TENSORFLOW_SERVING = bytes("/tensorflow.serving.");
/** Enough for the longest name that is looked for, and for what stands before it. */
const START: u32 = 300;

const pool: StreamPool<CalledModel> = new StreamPool<CalledModel>();

/**
 * The model that a gRPC caller names in its message: known only while the message passes. Reused for later
 * streams.
 */
export class CalledModel extends StreamState {
  readonly name: ByteBuffer = new ByteBuffer();

  release(): void {
    pool.release(this);
  }
}

/**
 * Reads the model's name at the start of a request body's first chunk: clients send fields in their order. It
 * is empty when it is not whole there, or the message is compressed.
 */
export function readCalledModel(path: Slice): CalledModel {
  const model = pool.take();
  model.name.clear();
  const inSpec = startsWith(path.ptr, path.len, TENSORFLOW_SERVING);
  if (!inSpec && !startsWith(path.ptr, path.len, OPEN_INFERENCE)) return model;
  const size = readBuffer(REQUEST_BODY, 0, START);
  const from = bufferData();
  if (size <= FRAME_HEADER_BYTES || isCompressed(from)) return model;
  const message = from + FRAME_HEADER_BYTES;
  let end = from + size;
  let name = message;
  if (inSpec) {
    name = firstField(message, end);
    if (name == 0) return model;
    end = min(end, name + <usize>tagLength);
  }
  name = firstField(name, end);
  if (name != 0 && name + <usize>tagLength <= end) model.name.append(name, <i32>tagLength);
  return model;
}

/**
 * @returns where the content of field 1, `tagLength` bytes, begins; it may go beyond `end`. 0 when another
 * comes first
 */
function firstField(from: usize, end: usize): usize {
  const content = readTag(from, end, false);
  return content != 0 && tagField == 1 && tagWireType == LENGTH_DELIMITED ? content : 0;
}
