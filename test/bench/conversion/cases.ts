import type { MessageTypeDefinition } from "@grpc/proto-loader";
import { protos } from "../../../tools/serving/model-server/protos.ts";

/** What the conversions are measured with: the same tensor as JSON of both kinds, and as gRPC messages of both kinds. */

export const SIZES = [1e3, 60e3, 0.6e6, 7.12e6];

export type Data = "FP32, 6 digits" | "FP32, 17 digits" | "INT64" | "BYTES";
export const DATA: Data[] = ["FP32, 6 digits", "FP32, 17 digits", "INT64", "BYTES"];

export type Direction = "JSON -> gRPC" | "gRPC -> JSON";
export const DIRECTIONS: Direction[] = ["JSON -> gRPC", "gRPC -> JSON"];

export interface Case {
  direction: Direction;
  data: Data;
  /** Bytes of JSON, about. */
  size: number;
}

/** A tensor and how protocols write it. */
export interface Tensor {
  datatype: string;
  count: number;
  /** Little-endian elements, as model servers send them. */
  raw: Buffer;
  /** Field of `InferTensorContents`, which the transcoder needs. */
  typed: object;
  /** Elements in the JSON of the Open Inference Protocol, and in that of protobuf. */
  restElements: unknown[];
  protobufElements: unknown[];
}

interface Request {
  raw_input_contents: Buffer[];
  inputs: { contents: Record<string, unknown[]> | null }[];
}

export const ModelInferRequest = protos["inference.ModelInferRequest"] as MessageTypeDefinition<
  object,
  Request
>;
const ModelInferResponse = protos["inference.ModelInferResponse"] as MessageTypeDefinition<object, never>;

/** Characters of JSON that an element takes, its comma included. */
const WIDTH: Record<Data, number> = {
  "FP32, 6 digits": 8.9,
  "FP32, 17 digits": 19.4,
  INT64: 13.9,
  BYTES: 19,
};
/** Replies have no float32 of 17 digits: what is printed is the shortest text that reads back. */
const REPLY_WIDTH: Record<Data, number> = { ...WIDTH, "FP32, 17 digits": 11.5 };

/** A tensor whose JSON has about the size of the case. */
export function tensorOf({ data, size, direction }: Case): Tensor {
  const width = direction === "JSON -> gRPC" ? WIDTH[data] : REPLY_WIDTH[data];
  const count = Math.max(1, Math.round((size - 100) / width));
  const random = generator();
  if (data === "INT64") {
    const values = Array.from({ length: count }, () => Math.floor(random() * 1e13));
    const raw = Buffer.from(BigInt64Array.from(values, BigInt).buffer);
    const elements = { restElements: values, protobufElements: values };
    return { datatype: data, count, raw, typed: { int64_contents: values.map(String) }, ...elements };
  }
  if (data === "BYTES") {
    // Text of 16 characters as it is for one, in base64 for the other.
    const texts = Array.from({ length: count }, () =>
      Buffer.from(String(random()).padEnd(16, "x")).subarray(0, 16),
    );
    const length = Buffer.from([16, 0, 0, 0]);
    return {
      datatype: data,
      count,
      raw: Buffer.concat(texts.flatMap((text) => [length, text])),
      typed: { bytes_contents: texts.map((text) => text.subarray(0, 12)) },
      restElements: texts.map(String),
      protobufElements: texts.map((text) => text.subarray(0, 12).toString("base64")),
    };
  }
  const digits = data === "FP32, 6 digits" ? 1e6 : undefined;
  const values = Array.from({ length: count }, () => {
    const value = 0.1 + 0.9 * random();
    return digits ? Math.round(value * digits) / digits : value;
  });
  const raw = Buffer.from(Float32Array.from(values).buffer);
  return {
    datatype: "FP32",
    count,
    raw,
    typed: { fp32_contents: values },
    restElements: values,
    protobufElements: values,
  };
}

/** Numbers from 0 to 1, the same in each run (Lehmer's generator with the constants of MINSTD). */
function generator(): () => number {
  let state = 20231;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state + ((state * 16807) % 65536) / 65536) / 2147483648;
  };
}

/** Body of a request of the Open Inference Protocol. */
export function restRequest({ datatype, count, restElements: data }: Tensor): string {
  return JSON.stringify({ inputs: [{ name: "x", datatype, shape: [count], data }] });
}

/** The same as the JSON of protobuf. */
export function protobufRequest({ datatype, count, typed, protobufElements }: Tensor): string {
  const field = (Object.keys(typed)[0] as string).replace(/_(.)/g, (_, letter: string) =>
    letter.toUpperCase(),
  );
  const inputs = [{ name: "x", datatype, shape: [count], contents: { [field]: protobufElements } }];
  return JSON.stringify({ modelName: "bench", inputs });
}

/** JSON of a reply of the Open Inference Protocol, what the plain proxy carries. */
export function restReply({ datatype, count, restElements, raw }: Tensor): Buffer {
  const data =
    datatype === "FP32" ? Array.from(new Float32Array(Uint8Array.from(raw).buffer), shortest) : restElements;
  return Buffer.from(
    JSON.stringify({ model_name: "bench", outputs: [{ name: "y", datatype, shape: [count], data }] }),
  );
}

/** The float64 of the shortest text that reads back as the float32, near enough for its length. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

/** A gRPC frame with a reply: raw contents as model servers send them, or typed ones for the transcoder. */
export function grpcReply({ datatype, count, raw, typed }: Tensor, asRaw: boolean): Buffer {
  const output = { name: "y", datatype, shape: [count], ...(!asRaw && { contents: typed }) };
  const message = ModelInferResponse.serialize({
    model_name: "bench",
    outputs: [output],
    raw_output_contents: asRaw ? [raw] : [],
  });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

/** Does the frame that came to the model server hold the tensor, raw or typed? */
export function holdsTensor(frame: Buffer, tensor: Tensor): boolean {
  const { raw_input_contents, inputs } = ModelInferRequest.deserialize(frame.subarray(5));
  const raw = raw_input_contents[0];
  const field = Object.keys(tensor.typed)[0] as string;
  return raw ? raw.equals(tensor.raw) : inputs[0]?.contents?.[field]?.length === tensor.count;
}
