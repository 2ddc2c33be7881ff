import { Datatype, elementSize } from "../model-protocol/datatype";
import { datatypeOf } from "../model-protocol/tensorflow-datatype";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { appendField, appendTag, appendVarint, VARINT } from "../sdk/bytes/protobuf";
import { setFault } from "./fault";
import { Tensor } from "./tensor";

/** What a model server is asked: an InferRequest or a PredictRequest. */
export abstract class ModelRequest {
  protected readonly inputs: Tensor[] = [];
  protected readonly wanted: string[] = [];

  constructor(readonly model: string) {}

  /** Adds an input. */
  input(tensor: Tensor): void {
    const type = tensor.type;
    const element = elementSize(type);
    if (type == Datatype.Unknown) setFault(`tensor ${tensor.name}: ${tensor.datatype} is no data type`);
    else if (tensor.size < 0 || (element > 0 && tensor.size * element != tensor.raw.length))
      setFault(`tensor ${tensor.name}: its shape does not fit its ${tensor.raw.length} bytes`);
    this.inputs.push(tensor);
  }

  /** Asks for one output by name; without any the model gives all. */
  output(name: string): void {
    this.wanted.push(name);
  }

  /** Path of the gRPC method. */
  abstract get method(): Bytes;
  abstract encode(out: ByteBuffer): void;
}

const MODEL_INFER = bytes("/inference.GRPCInferenceService/ModelInfer");
const PREDICT = bytes("/tensorflow.serving.PredictionService/Predict");

/** `inference.ModelInferRequest` of the Open Inference Protocol (KServe v2). */
export class InferRequest extends ModelRequest {
  version: string = "";
  id: string = "";

  get method(): Bytes {
    return MODEL_INFER;
  }

  encode(out: ByteBuffer): void {
    appendText(out, 1, this.model);
    appendText(out, 2, this.version);
    appendText(out, 3, this.id);
    for (let i = 0; i < this.inputs.length; i++) {
      const tensor = this.inputs[i];
      const own = open();
      appendText(own, 1, tensor.name);
      appendText(own, 2, tensor.datatype);
      packed.clear();
      for (let d = 0; d < tensor.shape.length; d++) appendVarint(packed, tensor.shape[d]);
      appendField(own, 3, packed.ptr, packed.len);
      appendField(out, 5, own.ptr, own.len);
    }
    for (let i = 0; i < this.wanted.length; i++) {
      const own = open();
      appendText(own, 1, this.wanted[i]);
      appendField(out, 6, own.ptr, own.len);
    }
    for (let i = 0; i < this.inputs.length; i++) {
      const raw = this.inputs[i].raw;
      appendField(out, 7, raw.dataStart, raw.length);
    }
  }
}

/** `tensorflow.serving.PredictRequest`. */
export class PredictRequest extends ModelRequest {
  /** Name of the signature; empty: serving_default. */
  signature: string = "";
  /** Version of the model; -1: the newest. */
  version: i64 = -1;

  get method(): Bytes {
    return PREDICT;
  }

  encode(out: ByteBuffer): void {
    const spec = open();
    appendText(spec, 1, this.model);
    if (this.version >= 0) {
      packed.clear();
      appendTag(packed, 1, VARINT);
      appendVarint(packed, this.version);
      appendField(spec, 2, packed.ptr, packed.len);
    }
    appendText(spec, 3, this.signature);
    appendField(out, 1, spec.ptr, spec.len);
    for (let i = 0; i < this.inputs.length; i++) {
      const own = open();
      const tensor = this.inputs[i];
      appendText(own, 1, tensor.name);
      content.clear();
      appendTensorProto(content, tensor);
      appendField(own, 2, content.ptr, content.len);
      appendField(out, 2, own.ptr, own.len);
    }
    for (let i = 0; i < this.wanted.length; i++) appendText(out, 3, this.wanted[i]);
    content.free();
    nested.free();
  }
}

function appendTensorProto(out: ByteBuffer, tensor: Tensor): void {
  const type = tensor.type;
  appendTag(out, 1, VARINT);
  appendVarint(out, tensorflowType(type));
  packed.clear();
  for (let d = 0; d < tensor.shape.length; d++) {
    dimension.clear();
    appendTag(dimension, 1, VARINT);
    appendVarint(dimension, tensor.shape[d]);
    appendField(packed, 2, dimension.ptr, dimension.len);
  }
  appendField(out, 2, packed.ptr, packed.len);
  const raw = tensor.raw;
  if (type != Datatype.BYTES) {
    appendField(out, 4, raw.dataStart, raw.length);
    return;
  }
  const end = raw.dataStart + raw.length;
  for (let at = raw.dataStart; at + 4 <= end; ) {
    const length = load<u32>(at);
    if (<usize>length > end - at - 4) break;
    appendField(out, 8, at + 4, length);
    at += 4 + <usize>length;
  }
}

/** Number of a data type in tensorflow/core/framework/types.proto. */
function tensorflowType(type: Datatype): i32 {
  for (let number = 1; number < 32; number++) if (datatypeOf(number) == type) return number;
  return 0;
}

function open(): ByteBuffer {
  nested.clear();
  return nested;
}

function appendText(out: ByteBuffer, field: i32, text: string): void {
  if (text.length == 0) return;
  const utf8 = String.UTF8.encode(text);
  appendField(out, field, changetype<usize>(utf8), utf8.byteLength);
}

const nested: ByteBuffer = new ByteBuffer();
const content: ByteBuffer = new ByteBuffer();
const packed: ByteBuffer = new ByteBuffer();
const dimension: ByteBuffer = new ByteBuffer();
