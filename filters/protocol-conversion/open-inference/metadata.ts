import { Field, Kind, Message } from "../protobuf/message-json";

/** Replies of the Open Inference Protocol that are no tensors; see proto/open_inference.proto. */

export const SERVER_LIVE = new Message([new Field(1, "live", Kind.Bool)]);
export const READY = new Message([new Field(1, "ready", Kind.Bool)]);

export const SERVER_METADATA = new Message([
  new Field(1, "name", Kind.String),
  new Field(2, "version", Kind.String),
  new Field(3, "extensions", Kind.String).many(),
]);

const TENSOR_METADATA = new Message([
  new Field(1, "name", Kind.String),
  new Field(2, "datatype", Kind.String),
  new Field(3, "shape", Kind.Int64).many(),
]);

export const MODEL_METADATA = new Message([
  new Field(1, "name", Kind.String),
  new Field(2, "versions", Kind.String).many(),
  new Field(3, "platform", Kind.String),
  new Field(4, "inputs", Kind.Message).of(TENSOR_METADATA).many(),
  new Field(5, "outputs", Kind.Message).of(TENSOR_METADATA).many(),
  new Field(6, "properties", Kind.String).mapped().maybe(),
]);
