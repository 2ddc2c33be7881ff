import { datatypeName } from "../model-protocol/datatype";
import { MessageReader } from "../model-protocol/message-reader";
import {
  ENTRY_KEY,
  ENTRY_VALUE,
  RESPONSE_ID,
  RESPONSE_MODEL_NAME,
  RESPONSE_OUTPUTS,
  RESPONSE_RAW_CONTENTS,
  TENSOR_CONTENTS,
  TENSOR_DATATYPE,
  TENSOR_NAME,
  TENSOR_SHAPE,
} from "../model-protocol/open-inference-fields";
import {
  CONTENT,
  DIM_SIZE,
  DTYPE,
  PREDICT_OUTPUTS,
  SHAPE,
  SHAPE_DIM,
} from "../model-protocol/tensor-proto-fields";
import { datatypeOf } from "../model-protocol/tensorflow-datatype";
import { toText } from "../sdk/bytes/bytes";
import { LENGTH_DELIMITED } from "../sdk/bytes/protobuf";
import { Elements, readVarints } from "./elements";
import { setFault } from "./fault";
import { Tensor } from "./tensor";

/** What a model answered, of either protocol. */
export class ModelResponse {
  model: string = "";
  /** Id of the request, where the protocol has one. */
  id: string = "";
  readonly outputs: Tensor[] = [];

  /** The output of this name; one that is missing answers with 502, and is empty here. */
  output(name: string): Tensor {
    for (let i = 0; i < this.outputs.length; i++) if (this.outputs[i].name == name) return this.outputs[i];
    setFault(`the model gave no output ${name}`);
    return new Tensor(name, "FP32", [0], new Uint8Array(0));
  }
}

/** Reads an `inference.ModelInferResponse`. @returns null when it is malformed */
export function readInferResponse(from: usize, to: usize): ModelResponse | null {
  const response = new ModelResponse();
  const read: OutputTensor[] = [];
  const raw: Uint8Array[] = [];
  for (message.start(from, to); message.next(); ) {
    if (message.isBytes(RESPONSE_MODEL_NAME)) response.model = textOf(message);
    else if (message.isBytes(RESPONSE_ID)) response.id = textOf(message);
    else if (message.isBytes(RESPONSE_RAW_CONTENTS)) raw.push(copyOf(message));
    else if (message.isBytes(RESPONSE_OUTPUTS)) {
      const tensor = new OutputTensor();
      if (!tensor.readInfer(message.from, message.to)) return null;
      read.push(tensor);
    }
  }
  if (message.malformed || (raw.length > 0 && raw.length != read.length)) return null;
  for (let i = 0; i < read.length; i++) {
    const bytes = raw.length > 0 ? raw[i] : read[i].elements.bytes(read[i].datatype, -1);
    response.outputs.push(new Tensor(read[i].name, read[i].datatype, read[i].shape, bytes));
  }
  return response;
}

/** Reads a `tensorflow.serving.PredictResponse`. @returns null when it is malformed */
export function readPredictResponse(from: usize, to: usize): ModelResponse | null {
  const response = new ModelResponse();
  for (message.start(from, to); message.next(); ) {
    if (!message.isBytes(PREDICT_OUTPUTS)) continue;
    const tensor = new OutputTensor();
    if (!tensor.readEntry(message.from, message.to)) return null;
    response.outputs.push(tensor.predicted());
  }
  return message.malformed ? null : response;
}

/** One for each level of messages within messages. */
const message: MessageReader = new MessageReader();
const entry: MessageReader = new MessageReader();
const tensor: MessageReader = new MessageReader();
const shape: MessageReader = new MessageReader();
const dimension: MessageReader = new MessageReader();

class OutputTensor {
  name: string = "";
  datatype: string = "";
  readonly shape: i64[] = [];
  readonly elements: Elements = new Elements();
  private content: Uint8Array | null = null;

  readInfer(from: usize, to: usize): bool {
    for (tensor.start(from, to); tensor.next(); ) {
      if (tensor.field == TENSOR_SHAPE) {
        if (!this.readShape(tensor)) return false;
      } else if (tensor.isBytes(TENSOR_NAME)) this.name = textOf(tensor);
      else if (tensor.isBytes(TENSOR_DATATYPE)) this.datatype = textOf(tensor);
      else if (tensor.isBytes(TENSOR_CONTENTS) && !this.elements.readContents(tensor.from, tensor.to))
        return false;
    }
    return !tensor.malformed;
  }

  /** Packed, or one size by itself. */
  private readShape(fields: MessageReader): bool {
    if (fields.wireType == LENGTH_DELIMITED) return readVarints(fields.from, fields.to, this.shape);
    this.shape.push(fields.value);
    return true;
  }

  /** An entry of `map<string, TensorProto>`. */
  readEntry(from: usize, to: usize): bool {
    for (entry.start(from, to); entry.next(); ) {
      if (entry.isBytes(ENTRY_KEY)) this.name = textOf(entry);
      else if (entry.isBytes(ENTRY_VALUE) && !this.readTensorProto(entry.from, entry.to)) return false;
    }
    return !entry.malformed;
  }

  private readTensorProto(from: usize, to: usize): bool {
    for (tensor.start(from, to); tensor.next(); ) {
      if (tensor.field == DTYPE) {
        const name = datatypeName(datatypeOf(tensor.value));
        this.datatype = toText(name.ptr, name.len);
      } else if (tensor.field == SHAPE) {
        if (!this.readTensorShape(tensor.from, tensor.to)) return false;
      } else if (tensor.field == CONTENT) {
        if (tensor.length > 0) this.content = copyOf(tensor);
      } else if (!this.elements.readTensorField(tensor)) return false;
    }
    return !tensor.malformed;
  }

  private readTensorShape(from: usize, to: usize): bool {
    for (shape.start(from, to); shape.next(); ) {
      if (shape.field != SHAPE_DIM) continue;
      let size: i64 = 0;
      for (dimension.start(shape.from, shape.to); dimension.next(); )
        if (dimension.field == DIM_SIZE) size = dimension.value;
      if (dimension.malformed) return false;
      this.shape.push(size);
    }
    return !shape.malformed;
  }

  private get size(): i64 {
    return new Tensor("", "", this.shape, new Uint8Array(0)).size;
  }

  predicted(): Tensor {
    const content = this.content;
    const bytes = content != null ? content : this.elements.bytes(this.datatype, this.size);
    return new Tensor(this.name, this.datatype, this.shape, bytes);
  }
}

function textOf(fields: MessageReader): string {
  return toText(fields.from, fields.length);
}

function copyOf(fields: MessageReader): Uint8Array {
  const copy = new Uint8Array(fields.length);
  memory.copy(copy.dataStart, fields.from, fields.length);
  return copy;
}
