import protobuf from "protobufjs";
import type { HeaderList } from "../../tools/lib/host/header-pairs.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

/** The module `protocol-conversion` in the Node host, and what a test says to it. */

const proto = protobuf.loadSync(new URL("proto/open_inference.proto", PROJECT_ROOT).pathname);
export const ModelInferRequest = proto.lookupType("inference.ModelInferRequest");
export const ModelInferResponse = proto.lookupType("inference.ModelInferResponse");
export const ModelStreamInferResponse = proto.lookupType("inference.ModelStreamInferResponse");

export const GRPC_HEADERS: HeaderList = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];

/** A VM that converts task 1. */
export function conversionVm(settings: object = {}): Vm {
  const vm = new Vm(modulePath("protocol-conversion"));
  const config = { tasks: [{ taskid: "1" }], maxRequestBytes: 1_000_000, ...settings };
  if (!vm.configure({ protocolConversion: config })) throw new Error(vm.logs.join("\n"));
  return vm;
}

export function open(vm: Vm, path = "/v2/models/m/infer", more: Record<string, string> = {}): Stream {
  return vm.open({ ":method": "POST", ":path": path, taskid: "1", ...more });
}

export function frame(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

export interface Parameter {
  boolParam?: boolean;
  int64Param?: string;
  stringParam?: string;
  doubleParam?: number;
  uint64Param?: string;
}

export interface InferRequest {
  modelName: string;
  modelVersion: string;
  id: string;
  parameters: Record<string, Parameter>;
  inputs: { name: string; datatype: string; shape: number[]; parameters: Record<string, Parameter> }[];
  outputs: { name: string; parameters: Record<string, Parameter> }[];
  rawInputContents: Buffer[];
}

export type Sent =
  | { request: InferRequest; error?: never }
  | { error: string; reason: string; request?: never };

/** Sends a body and decodes the gRPC frame that comes of it. */
export function send(
  vm: Vm,
  body: string | Uint8Array,
  chunkSize = body.length || 1,
  path?: string,
  headers?: Record<string, string>,
): Sent {
  const stream = open(vm, path, headers);
  const bytes = stream.reply ? Buffer.of() : stream.sendRequestBody(Buffer.from(body), chunkSize);
  stream.close();
  if (stream.reply) return JSON.parse(stream.reply.body) as Sent;
  const length = Buffer.from(bytes).readUInt32BE(1);
  if (length !== bytes.length - 5) throw new Error(`a frame of ${length} has ${bytes.length - 5} bytes`);
  const message = ModelInferRequest.decode(bytes.subarray(5));
  const options = { longs: Number, arrays: true, defaults: true, objects: true };
  return { request: ModelInferRequest.toObject(message, options) as InferRequest };
}

export interface Reply {
  status?: number;
  headers: Record<string, string>;
  body: Buffer;
  error?: { error: string; reason: string };
}

/** Runs a model's reply of these bytes through the filter, for a request `request`. */
export function respond(
  vm: Vm,
  bytes: Uint8Array,
  chunkSize?: number,
  request: string = '{"inputs":[]}',
  headers: Record<string, string> = {},
): Reply {
  const stream = open(vm, undefined, headers);
  stream.sendRequestBody(Buffer.from(request));
  const body = Buffer.from(stream.respond([...GRPC_HEADERS], bytes, chunkSize));
  stream.close();
  return {
    headers: Object.fromEntries(stream.responseHeaders),
    body,
    ...(stream.reply && { status: stream.reply.status, error: JSON.parse(stream.reply.body) }),
  };
}
