import { MessageReader } from "../../model-protocol/message-reader";
import { dataTypeNames } from "../../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { Field, Kind, Message } from "../protobuf/message-json";

/** Replies of TensorFlow Serving that are no tensors, as its REST API writes them. */

const fields: MessageReader = new MessageReader();

/** `google.protobuf.Int64Value`: a string in JSON. */
class Int64Value extends Message {
  appendJson(out: ByteBuffer, from: usize, to: usize): bool {
    let value: u64 = 0;
    for (fields.start(from, to); fields.next(); ) if (fields.isVarint(1)) value = fields.value;
    if (fields.malformed) return false;
    out.appendByte(Char.QUOTE);
    out.appendDecimal(value);
    out.appendByte(Char.QUOTE);
    return true;
  }
}

/** `google.protobuf.Any` around a message of one type. */
class Any extends Message {
  constructor(readonly content: Message) {
    super([]);
  }

  appendJson(out: ByteBuffer, from: usize, to: usize): bool {
    let value: usize = 0;
    let end: usize = 0;
    for (fields.start(from, to); fields.next(); ) {
      if (fields.field == 2) {
        value = fields.from;
        end = fields.to;
      }
    }
    if (fields.malformed) return false;
    return this.content.appendJson(out, value, end);
  }
}

const STATES: string[] = [];
for (let i = 0; i <= 50; i++) STATES.push("UNKNOWN");
STATES[10] = "START";
STATES[20] = "LOADING";
STATES[30] = "AVAILABLE";
STATES[40] = "UNLOADING";
STATES[50] = "END";

/** google.rpc.Code, by number. */
const CODES: string[] = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

const STATUS = new Message([
  new Field(1, "error_code", Kind.Enum).named(CODES),
  new Field(2, "error_message", Kind.String),
]);

export const MODEL_STATUS = new Message([
  new Field(1, "model_version_status", Kind.Message)
    .of(
      new Message([
        new Field(1, "version", Kind.Int64String),
        new Field(2, "state", Kind.Enum).named(STATES),
        new Field(3, "status", Kind.Message).of(STATUS),
      ]),
    )
    .many(),
]);

const SHAPE = new Message([
  new Field(2, "dim", Kind.Message)
    .of(new Message([new Field(1, "size", Kind.Int64String), new Field(2, "name", Kind.String)]))
    .many(),
  new Field(3, "unknown_rank", Kind.Bool),
]);
const TENSOR_INFO = new Message([
  new Field(1, "name", Kind.String),
  new Field(2, "dtype", Kind.Enum).named(dataTypeNames()),
  new Field(3, "tensor_shape", Kind.Message).of(SHAPE),
]);
const SIGNATURE_DEF = new Message([
  new Field(1, "inputs", Kind.Message).of(TENSOR_INFO).mapped(),
  new Field(2, "outputs", Kind.Message).of(TENSOR_INFO).mapped(),
  new Field(3, "method_name", Kind.String),
]);
const SIGNATURE_DEF_MAP = new Message([
  new Field(1, "signature_def", Kind.Message).of(SIGNATURE_DEF).mapped(),
]);

export const SIGNATURE_METADATA = new Message([
  new Field(1, "model_spec", Kind.Message).of(
    new Message([
      new Field(1, "name", Kind.String),
      new Field(3, "signature_name", Kind.String),
      new Field(2, "version", Kind.Message).of(new Int64Value([])).maybe(),
    ]),
  ),
  new Field(2, "metadata", Kind.Message).of(new Any(SIGNATURE_DEF_MAP)).mapped(),
]);
