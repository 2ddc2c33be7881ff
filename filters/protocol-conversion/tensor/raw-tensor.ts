import { Datatype, elementSize, parseDatatype } from "../../model-protocol/datatype";
import { Bytes, bytes, startsWithIgnoreCase } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { CONTENT_LENGTH, CONTENT_TYPE, INFERENCE_HEADER_LENGTH } from "../../sdk/bytes/header-names";
import { Slice } from "../../sdk/bytes/slice";
import { Headers } from "../../sdk/host/headers";
import { Config } from "../../sdk/pipeline/config";
import { MAX_RANK } from "./nesting";

/** A body that is one tensor's raw bytes: what it is stands in headers, or in the task's template. */

const BINARY_TYPE = bytes("application/octet-stream");
export const TENSOR_NAME = bytes("x-tensor-name");
export const TENSOR_DATATYPE = bytes("x-tensor-datatype");
export const TENSOR_SHAPE = bytes("x-tensor-shape");

const MAX_DIMENSION: i64 = 1 << 48;

/** `protocolConversion.tasks[].raw`: what the headers need not say. */
export class RawTemplate {
  constructor(
    readonly name: Bytes,
    readonly datatype: Bytes,
    /** As in the header: `-1,224,224,3`. */
    readonly shape: Bytes,
  ) {}
}

/** Reads a template; a dimension of -1, one at most, is as long as the body makes it. */
export function readRawTemplate(task: Config): RawTemplate | null {
  const config = task.object("raw");
  if (config == null) return null;
  const datatype = bytes(config.text("datatype"));
  const type = parseDatatype(datatype.ptr, datatype.len);
  if (type == Datatype.Unknown) {
    config.fault("datatype", "must be a data type of the Open Inference Protocol such as FP32");
  }
  const sizes = config.numbers("shape");
  let shape = "";
  for (let i = 0; i < sizes.length; i++) {
    if (sizes[i] != Math.floor(sizes[i])) config.fault(`shape[${i.toString()}]`, "must be a whole number");
    if (sizes[i] < 0 && type == Datatype.BYTES) config.fault("shape", "must be known for BYTES");
    shape += `${i > 0 ? "," : ""}${(<i64>sizes[i]).toString()}`;
  }
  const template = new RawTemplate(bytes(config.text("name")), datatype, bytes(shape));
  value.ptr = template.shape.ptr;
  value.len = template.shape.len;
  if (!rawTensor.readShape(value)) {
    config.fault("shape", "must be a list of sizes, of which one may be -1: as long as the body makes it");
  }
  config.finish();
  return template;
}

const value: Slice = new Slice();

/** Is the body a raw tensor: octets, and no JSON before them? */
export function isRaw(headers: Headers): bool {
  if (headers.find(CONTENT_TYPE, value) == 0 || !startsWithIgnoreCase(value.ptr, value.len, BINARY_TYPE))
    return false;
  return headers.find(INFERENCE_HEADER_LENGTH, value) == 0;
}

/**
 * Does anything say what the octets are? Where nothing does, they are JSON: some clients call all bodies so.
 */
export function saysTensor(headers: Headers, template: RawTemplate | null): bool {
  return (
    template != null ||
    headers.find(TENSOR_NAME, value) > 0 ||
    headers.find(TENSOR_DATATYPE, value) > 0 ||
    headers.find(TENSOR_SHAPE, value) > 0
  );
}

class RawTensor {
  readonly name: Slice = new Slice();
  datatype: Datatype = Datatype.Unknown;
  readonly shape: StaticArray<i64> = new StaticArray<i64>(MAX_RANK);
  rank: i32 = 0;
  /** Bytes of the body. */
  size: i64 = 0;
  /** Which dimension is -1; -1 when none is. */
  private open: i32 = -1;

  /**
   * Reads the tensor from `x-tensor-name`, `x-tensor-datatype`, `x-tensor-shape`, or where one is missing
   * from
   * `template`, and its size from `content-length`. @returns false when one of them is missing or does not
   * fit the others
   */
  read(headers: Headers, template: RawTemplate | null): bool {
    if (headers.find(CONTENT_LENGTH, value) == 0) return false;
    this.size = decimalOf(value);
    if (this.size < 0) return false;
    if (!find(headers, TENSOR_NAME, template == null ? null : template.name)) return false;
    this.name.ptr = value.ptr;
    this.name.len = value.len;
    if (!find(headers, TENSOR_DATATYPE, template == null ? null : template.datatype)) return false;
    this.datatype = parseDatatype(value.ptr, value.len);
    if (!find(headers, TENSOR_SHAPE, template == null ? null : template.shape)) return false;
    return this.datatype != Datatype.Unknown && this.name.len > 0 && this.readShape(value) && this.fits();
  }

  readShape(text: Slice): bool {
    this.rank = 0;
    this.open = -1;
    let number: i64 = -1;
    let minus = false;
    for (let i: i32 = 0; i <= text.len; i++) {
      const c: u8 = i < text.len ? load<u8>(text.ptr + i) : Char.COMMA;
      if (c - Char._0 < 10 && number < MAX_DIMENSION) number = max<i64>(number, 0) * 10 + (c - Char._0);
      else if (c == Char.COMMA && number >= 0 && this.rank < MAX_RANK) {
        if (minus) {
          if (number != 1 || this.open >= 0) return false;
          this.open = this.rank;
        }
        this.shape[this.rank++] = number;
        number = -1;
        minus = false;
      } else if (c == Char.MINUS && number < 0 && !minus) minus = true;
      else if (c != Char.SPACE) return false;
    }
    return true;
  }

  /** Has the body the size of the shape? Sets the dimension that is open. */
  private fits(): bool {
    let product: f64 = max(elementSize(this.datatype), 1);
    for (let i = 0; i < this.rank; i++) product *= <f64>this.shape[i];
    if (this.open >= 0 && product > 0) {
      if (elementSize(this.datatype) == 0) return false;
      this.shape[this.open] = this.size / <i64>product;
      product *= <f64>this.shape[this.open];
    }
    return elementSize(this.datatype) == 0 || product == <f64>this.size;
  }
}

/** The tensor of the request at hand. */
export const rawTensor: RawTensor = new RawTensor();

function find(headers: Headers, name: Bytes, fallback: Bytes | null): bool {
  if (headers.find(name, value) > 0) return true;
  if (fallback == null) return false;
  value.ptr = fallback.ptr;
  value.len = fallback.len;
  return true;
}

/** Value of decimal digits, -1 of anything else. */
export function decimalOf(text: Slice): i64 {
  let number: i64 = 0;
  for (let i: i32 = 0; i < text.len; i++) {
    const digit = load<u8>(text.ptr + i) - Char._0;
    if (digit > 9 || i > 15) return -1;
    number = number * 10 + digit;
  }
  return text.len == 0 ? -1 : number;
}
