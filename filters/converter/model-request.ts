import { Datatype, elementSize } from "../model-protocol/datatype";
import {
  ENTRY_KEY,
  ENTRY_VALUE,
  OUTPUT_NAME,
  REQUEST_ID,
  REQUEST_INPUTS,
  REQUEST_MODEL_NAME,
  REQUEST_MODEL_VERSION,
  REQUEST_OUTPUTS,
  REQUEST_RAW_CONTENTS,
  TENSOR_DATATYPE,
  TENSOR_NAME,
  TENSOR_SHAPE,
} from "../model-protocol/open-inference-fields";
import {
  CONTENT,
  DIM_SIZE,
  DTYPE,
  INT64_VALUE,
  MODEL_SPEC,
  PREDICT_INPUTS,
  PREDICT_OUTPUT_FILTER,
  SHAPE,
  SHAPE_DIM,
  SPEC_NAME,
  SPEC_SIGNATURE_NAME,
  SPEC_VERSION,
  STRING_VAL,
} from "../model-protocol/tensor-proto-fields";
import { DT_STRING, dataTypeOf } from "../model-protocol/tensorflow-datatype";
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
    appendText(out, REQUEST_MODEL_NAME, this.model);
    appendText(out, REQUEST_MODEL_VERSION, this.version);
    appendText(out, REQUEST_ID, this.id);
    for (let i = 0; i < this.inputs.length; i++) {
      const tensor = this.inputs[i];
      const own = open();
      appendText(own, TENSOR_NAME, tensor.name);
      appendText(own, TENSOR_DATATYPE, tensor.datatype);
      packed.clear();
      for (let d = 0; d < tensor.shape.length; d++) appendVarint(packed, tensor.shape[d]);
      appendField(own, TENSOR_SHAPE, packed.ptr, packed.len);
      appendField(out, REQUEST_INPUTS, own.ptr, own.len);
    }
    for (let i = 0; i < this.wanted.length; i++) {
      const own = open();
      appendText(own, OUTPUT_NAME, this.wanted[i]);
      appendField(out, REQUEST_OUTPUTS, own.ptr, own.len);
    }
    for (let i = 0; i < this.inputs.length; i++) {
      const raw = this.inputs[i].raw;
      appendField(out, REQUEST_RAW_CONTENTS, raw.dataStart, raw.length);
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
    appendText(spec, SPEC_NAME, this.model);
    if (this.version >= 0) {
      packed.clear();
      appendTag(packed, INT64_VALUE, VARINT);
      appendVarint(packed, this.version);
      appendField(spec, SPEC_VERSION, packed.ptr, packed.len);
    }
    appendText(spec, SPEC_SIGNATURE_NAME, this.signature);
    appendField(out, MODEL_SPEC, spec.ptr, spec.len);
    for (let i = 0; i < this.inputs.length; i++) {
      const own = open();
      const tensor = this.inputs[i];
      appendText(own, ENTRY_KEY, tensor.name);
      content.clear();
      appendTensorProto(content, tensor);
      appendField(own, ENTRY_VALUE, content.ptr, content.len);
      appendField(out, PREDICT_INPUTS, own.ptr, own.len);
    }
    for (let i = 0; i < this.wanted.length; i++) appendText(out, PREDICT_OUTPUT_FILTER, this.wanted[i]);
    content.free();
    nested.free();
  }
}

function appendTensorProto(out: ByteBuffer, tensor: Tensor): void {
  const type = tensor.type;
  appendTag(out, DTYPE, VARINT);
  appendVarint(out, type == Datatype.BYTES ? DT_STRING : dataTypeOf(type));
  packed.clear();
  for (let d = 0; d < tensor.shape.length; d++) {
    dimension.clear();
    appendTag(dimension, DIM_SIZE, VARINT);
    appendVarint(dimension, tensor.shape[d]);
    appendField(packed, SHAPE_DIM, dimension.ptr, dimension.len);
  }
  appendField(out, SHAPE, packed.ptr, packed.len);
  const raw = tensor.raw;
  if (type != Datatype.BYTES) {
    appendField(out, CONTENT, raw.dataStart, raw.length);
    return;
  }
  const end = raw.dataStart + raw.length;
  for (let at = raw.dataStart; at + 4 <= end; ) {
    const length = load<u32>(at);
    if (<usize>length > end - at - 4) break;
    appendField(out, STRING_VAL, at + 4, length);
    at += 4 + <usize>length;
  }
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
