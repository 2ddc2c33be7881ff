import type protobuf from "protobufjs";
import type { ModelRequest } from "../../api/warm-up.ts";
import { ANSWER_TIMEOUT_MS, type Connection, NotAnswered, type PreparedRequest } from "./connection.ts";
import { GrpcConnection, messages } from "./grpc-connection.ts";
import { HttpConnection } from "./http-connection.ts";
import { findMethod, ownProtocols } from "./methods.ts";
import type { PrepareOptions } from "./model-request.ts";
import { encodeJson } from "./protobuf-json.ts";

/**
 * Elements of a made tensor at most: a model with several free dimensions and a large batch would fill the
 * memory.
 */
const MAX_ELEMENTS = 16_000_000;

/**
 * Bytes of an element in raw contents; BYTES elements are made as empty strings with their length of 4 bytes.
 */
const ELEMENT_BYTES: Record<string, number> = {
  ...{ BOOL: 1, UINT8: 1, INT8: 1, UINT16: 2, INT16: 2, FP16: 2, BF16: 2 },
  ...{ UINT32: 4, INT32: 4, FP32: 4, UINT64: 8, INT64: 8, FP64: 8, BYTES: 4 },
};

/** Bytes of an element in `tensor_content`; strings have a field of their own. */
const STRING_TYPE = "DT_STRING";
const TENSORFLOW_BYTES: Record<string, number> = {
  ...{ DT_BOOL: 1, DT_UINT8: 1, DT_INT8: 1, DT_UINT16: 2, DT_INT16: 2, DT_HALF: 2, DT_BFLOAT16: 2 },
  ...{ DT_UINT32: 4, DT_INT32: 4, DT_FLOAT: 4, DT_UINT64: 8, DT_INT64: 8, DT_DOUBLE: 8 },
};

interface TensorMetadata {
  name: string;
  datatype: string;
  shape: (string | number)[];
}

type Made = ModelRequest & { model: string };

/**
 * A request of zeros for a model, made from the inputs that the server says it has: `ModelMetadata` of the
 * Open Inference Protocol (gRPC; HTTP for tasks that are not converted) or `GetModelMetadata` of TensorFlow
 * Serving. Dimensions of any size are `batch`.
 * @throws Error that says what the server answered
 */
export async function madeRequest(
  request: Made,
  { origin, protocol, timeoutMs = ANSWER_TIMEOUT_MS }: PrepareOptions,
): Promise<PreparedRequest> {
  const connection = protocol === "none" ? new HttpConnection(origin) : new GrpcConnection(origin);
  try {
    if (protocol === "none") return await overHttp(request, connection, timeoutMs);
    return protocol === "tensorflowServing"
      ? await predict(request, connection, timeoutMs)
      : await modelInfer(request, connection, timeoutMs);
  } finally {
    connection.close();
  }
}

async function overHttp(
  { model, version, batch = 1 }: Made,
  connection: Connection,
  timeoutMs: number,
): Promise<PreparedRequest> {
  const path = `/v2/models/${encodeURIComponent(model)}${version === undefined ? "" : `/versions/${encodeURIComponent(version)}`}`;
  const get: PreparedRequest = {
    protocol: "http",
    method: "GET",
    path,
    headers: {},
    payload: Buffer.alloc(0),
  };
  const outcome = await connection.send(get, timeoutMs, true);
  if (!outcome.ok) throw new NotAnswered(`GET ${path}: ${outcome.reason}`, outcome.mayPass);
  const inputs = inputsOf(outcome.reply.toString());
  if (!inputs) throw new Error(`GET ${path}: the answer is no metadata of a model (JSON with inputs)`);
  const tensors = inputs.map((input) => {
    const shape = fixed(input, batch);
    const zero = input.datatype === "BYTES" ? "" : input.datatype === "BOOL" ? false : 0;
    return {
      name: input.name,
      datatype: input.datatype,
      shape,
      data: new Array(elements(input.name, shape)).fill(zero),
    };
  });
  const payload = Buffer.from(JSON.stringify({ inputs: tensors }));
  return { protocol: "http", method: "POST", path: `${path}/infer`, headers: {}, payload };
}

function inputsOf(reply: string): TensorMetadata[] | undefined {
  try {
    const { inputs } = JSON.parse(reply) as { inputs?: TensorMetadata[] };
    return Array.isArray(inputs) && inputs.every(({ shape }) => Array.isArray(shape)) ? inputs : undefined;
  } catch {
    return undefined;
  }
}

async function modelInfer(
  { model, version = "", batch = 1 }: Made,
  connection: Connection,
  timeoutMs: number,
): Promise<PreparedRequest> {
  const service = "/inference.GRPCInferenceService";
  const metadata = await ask(connection, timeoutMs, `${service}/ModelMetadata`, { name: model, version });
  const inputs = (metadata.inputs as TensorMetadata[] | undefined) ?? [];
  const tensors = inputs.map((input) => ({ ...input, shape: fixed(input, batch) }));
  const raw_input_contents = tensors.map(({ name, datatype, shape }) => {
    const size = ELEMENT_BYTES[datatype];
    if (size === undefined) throw new Error(`input ${name} of model ${model}: ${datatype} is not known`);
    return Buffer.alloc(elements(name, shape) * size).toString("base64");
  });
  return grpcRequest(`${service}/ModelInfer`, {
    ...{ model_name: model, model_version: version, inputs: tensors, raw_input_contents },
  });
}

async function predict(
  { model, version, signature = "serving_default", batch = 1 }: Made,
  connection: Connection,
  timeoutMs: number,
): Promise<PreparedRequest> {
  const service = "/tensorflow.serving.PredictionService";
  const model_spec = { name: model, ...(version !== undefined && { version: { value: version } }) };
  const metadata = await ask(connection, timeoutMs, `${service}/GetModelMetadata`, {
    ...{ model_spec, metadata_field: ["signature_def"] },
  });
  const any = (metadata.metadata as Record<string, { value: Uint8Array }> | undefined)?.signature_def;
  if (!any) throw new Error(`the metadata of model ${model} has no signature_def`);
  const SignatureDefMap = ownProtocols().lookupType("tensorflow.serving.SignatureDefMap");
  const { signature_def: signatures = {} } = toObject(SignatureDefMap, any.value) as {
    signature_def?: Record<string, { inputs?: Record<string, TensorInfo> }>;
  };
  const found = signatures[signature];
  if (!found)
    throw new Error(
      `model ${model} has no signature ${signature}; it has ${Object.keys(signatures).join(", ")}`,
    );
  const inputs = Object.fromEntries(
    Object.entries(found.inputs ?? {}).map(([name, info]) => [name, zeroTensor(name, info, batch)]),
  );
  return grpcRequest(`${service}/Predict`, {
    model_spec: { ...model_spec, signature_name: signature },
    inputs,
  });
}

interface TensorInfo {
  dtype: string;
  tensor_shape?: { dim?: { size: string }[]; unknown_rank?: boolean };
}

function zeroTensor(name: string, { dtype, tensor_shape }: TensorInfo, batch: number): object {
  const dimensions = tensor_shape?.dim ?? (tensor_shape?.unknown_rank ? [{ size: "-1" }] : []);
  const shape = fixed({ shape: dimensions.map(({ size }) => size) }, batch);
  const count = elements(name, shape);
  const common = { dtype, tensor_shape: { dim: shape.map((size) => ({ size })) } };
  if (dtype === STRING_TYPE) return { ...common, string_val: new Array(count).fill("") };
  const size = TENSORFLOW_BYTES[dtype];
  if (size === undefined) throw new Error(`input ${name}: ${dtype} is not known`);
  return { ...common, tensor_content: Buffer.alloc(count * size).toString("base64") };
}

function fixed({ shape }: Pick<TensorMetadata, "shape">, batch: number): number[] {
  return shape.map((size) => (Number(size) < 0 ? batch : Number(size)));
}

function elements(name: string, shape: number[]): number {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > MAX_ELEMENTS)
    throw new Error(`input ${name}: [${shape}] is too large to make: give a smaller batch`);
  return count;
}

async function ask(
  connection: Connection,
  timeoutMs: number,
  path: string,
  message: object,
): Promise<Record<string, unknown>> {
  const method = findMethod(ownProtocols(), path);
  if (!method) throw new Error(`${path} is not known`);
  const outcome = await connection.send(grpcRequest(path, message), timeoutMs, true);
  if (!outcome.ok) throw new NotAnswered(`${path}: ${outcome.reason}`, outcome.mayPass);
  const [reply] = messages(outcome.reply);
  return toObject(method.response, reply ?? new Uint8Array());
}

function grpcRequest(path: string, message: object): PreparedRequest {
  const method = findMethod(ownProtocols(), path);
  if (!method) throw new Error(`${path} is not known`);
  return {
    protocol: "grpc",
    method: "POST",
    path,
    headers: {},
    payload: encodeJson(method.request, message),
  };
}

function toObject(type: protobuf.Type, bytes: Uint8Array): Record<string, unknown> {
  return type.toObject(type.decode(bytes), { longs: String, enums: String });
}
