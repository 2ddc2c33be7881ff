import {
  grpcReply,
  ModelInferRequest,
  protobufRequest,
  restRequest,
  type Tensor,
  tensorOf,
} from "../conversion/cases.ts";
import type { Call } from "./cells.ts";

/** The task whose JSON is converted for the model server, the one whose requests the gateway answers itself, and one with a tiny limit. */
export const MODEL_TASK = "666";
export const ANSWERED_TASK = "667";
export const LIMITED_TASK = "668";

export const GRPC_PATH = "/inference.GRPCInferenceService/ModelInfer";
const REST_PATH = "/v2/models/bench/infer";
const GET_PATH = "/ready";

/** What a gateway reads: the JSON of the Open Inference Protocol, or that of protobuf, and at which path. */
export type Dialect = "REST" | "protobuf, gRPC path" | "protobuf, REST path";

export interface Request {
  path: string;
  headers: Record<string, string>;
  /** None: a GET. */
  body?: Buffer;
  /** What the model server is to answer: typed contents where a transcoder writes the JSON. */
  grpcReply: Buffer;
}

const TINY = tensorOf({ direction: "JSON -> gRPC", data: "FP32, 6 digits", size: 120 });
const JSON_REPLY = { REST: true, "protobuf, gRPC path": false, "protobuf, REST path": false };

/** Of about so many bytes: floats of six digits as JSON, or four bytes each as gRPC. */
export function tensorFor(call: Call, bytes: number): Tensor {
  const size = call === "gRPC" ? (bytes / 4) * 8.9 : bytes;
  return tensorOf({ direction: "JSON -> gRPC", data: "FP32, 6 digits", size });
}

/** The request that carries a tensor. */
export function requestOf(call: Call, tensor: Tensor, dialect: Dialect): Request {
  if (call === "GET")
    return { path: GET_PATH, headers: { taskid: ANSWERED_TASK }, grpcReply: Buffer.alloc(0) };
  if (call === "gRPC")
    return {
      path: GRPC_PATH,
      headers: { taskid: MODEL_TASK, "content-type": "application/grpc", te: "trailers" },
      body: frame(message(tensor)),
      grpcReply: grpcReply(TINY, true),
    };
  return {
    path: dialect === "protobuf, gRPC path" ? GRPC_PATH : REST_PATH,
    headers: { taskid: MODEL_TASK, "content-type": "application/json" },
    body: Buffer.from(dialect === "REST" ? restRequest(tensor) : protobufRequest(tensor)),
    grpcReply: grpcReply(TINY, JSON_REPLY[dialect]),
  };
}

/** The ModelInferRequest of a tensor, its elements raw. */
function message({ datatype, count, raw }: Tensor): Buffer {
  const inputs = [{ name: "x", datatype, shape: [count] }];
  return Buffer.from(ModelInferRequest.serialize({ model_name: "bench", inputs, raw_input_contents: [raw] }));
}

function frame(message: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
