import { datatypeName } from "../model-protocol/datatype";
import { datatypeOf } from "../model-protocol/tensorflow-datatype";
import { toText } from "../sdk/bytes/bytes";
import { LENGTH_DELIMITED, readTag, tagField, tagLength, tagWireType, varint } from "../sdk/bytes/protobuf";
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
  for (let at = from; at < to; ) {
    const content = readTag(at, to);
    if (content == 0) return null;
    at = content + <usize>tagLength;
    if (tagWireType != LENGTH_DELIMITED) continue;
    if (tagField == 1) response.model = toText(content, <i32>tagLength);
    else if (tagField == 3) response.id = toText(content, <i32>tagLength);
    else if (tagField == 6) raw.push(copyOf(content, <i32>tagLength));
    else if (tagField == 5) {
      const tensor = new OutputTensor();
      if (!tensor.readInfer(content, at)) return null;
      read.push(tensor);
    }
  }
  if (raw.length > 0 && raw.length != read.length) return null;
  for (let i = 0; i < read.length; i++) {
    const bytes = raw.length > 0 ? raw[i] : read[i].elements.bytes(read[i].datatype, -1);
    response.outputs.push(new Tensor(read[i].name, read[i].datatype, read[i].shape, bytes));
  }
  return response;
}

/** Reads a `tensorflow.serving.PredictResponse`. @returns null when it is malformed */
export function readPredictResponse(from: usize, to: usize): ModelResponse | null {
  const response = new ModelResponse();
  for (let at = from; at < to; ) {
    const content = readTag(at, to);
    if (content == 0) return null;
    at = content + <usize>tagLength;
    if (tagField != 1 || tagWireType != LENGTH_DELIMITED) continue;
    const tensor = new OutputTensor();
    if (!tensor.readEntry(content, at)) return null;
    response.outputs.push(tensor.predicted());
  }
  return response;
}

class OutputTensor {
  name: string = "";
  datatype: string = "";
  readonly shape: i64[] = [];
  readonly elements: Elements = new Elements();
  private content: Uint8Array | null = null;

  readInfer(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      const content = readTag(at, to);
      if (content == 0) return false;
      at = content + <usize>tagLength;
      if (tagField == 3) {
        if (!this.readShape(content, at)) return false;
      } else if (tagWireType != LENGTH_DELIMITED) continue;
      else if (tagField == 1) this.name = toText(content, <i32>tagLength);
      else if (tagField == 2) this.datatype = toText(content, <i32>tagLength);
      else if (tagField == 5 && !this.elements.readContents(content, at)) return false;
    }
    return true;
  }

  /** Packed, or one size by itself. */
  private readShape(content: usize, end: usize): bool {
    if (tagWireType != LENGTH_DELIMITED) this.shape.push(varint);
    else return readVarints(content, end, this.shape);
    return true;
  }

  /** An entry of `map<string, TensorProto>`. */
  readEntry(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      const content = readTag(at, to);
      if (content == 0) return false;
      at = content + <usize>tagLength;
      if (tagWireType != LENGTH_DELIMITED) continue;
      if (tagField == 1) this.name = toText(content, <i32>tagLength);
      else if (tagField == 2 && !this.readTensorProto(content, at)) return false;
    }
    return true;
  }

  private readTensorProto(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      const content = readTag(at, to);
      if (content == 0) return false;
      at = content + <usize>tagLength;
      if (tagField == 1) {
        const name = datatypeName(datatypeOf(varint));
        this.datatype = toText(name.ptr, name.len);
      } else if (tagField == 2) {
        if (!this.readTensorShape(content, at)) return false;
      } else if (tagField == 4) {
        if (tagLength > 0) this.content = copyOf(content, <i32>tagLength);
      } else if (!this.elements.readTensorField(content, at)) return false;
    }
    return true;
  }

  private readTensorShape(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      const dimension = readTag(at, to);
      if (dimension == 0) return false;
      const end = dimension + <usize>tagLength;
      if (tagField == 2) {
        let size: i64 = 0;
        for (let inner = dimension; inner < end; ) {
          const content = readTag(inner, end);
          if (content == 0) return false;
          inner = content + <usize>tagLength;
          if (tagField == 1) size = varint;
        }
        this.shape.push(size);
      }
      at = end;
    }
    return true;
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

function copyOf(ptr: usize, len: i32): Uint8Array {
  const copy = new Uint8Array(len);
  memory.copy(copy.dataStart, ptr, len);
  return copy;
}
