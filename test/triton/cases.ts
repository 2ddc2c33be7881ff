import { GENERATE } from "./generate-cases.ts";
import { MANY } from "./repository.ts";

/** The requests that Triton's REST and the gateway both get. */
export interface Case {
  name: string;
  method: "GET" | "POST";
  path: string;
  headers: Record<string, string>;
  body?: string | Buffer<ArrayBuffer>;
}

type Fields = Record<string, unknown>;

const get = (path: string): Case => ({ name: `GET ${path}`, method: "GET", path, headers: {} });

function post(
  name: string,
  path: string,
  body: string | Buffer<ArrayBuffer>,
  headers: Record<string, string> = {},
): Case {
  return { name, method: "POST", path, headers, body };
}

/** `/infer` of a model with JSON. */
function infer(name: string, model: string, request: Fields, headers: Record<string, string> = {}): Case {
  return post(`${model}: ${name}`, `/v2/models/${model}/infer`, JSON.stringify(request), headers);
}

/** `/infer` of a model with JSON and the bytes of its inputs behind it. */
function inferBinary(name: string, model: string, request: Fields, hex: string): Case {
  const json = Buffer.from(JSON.stringify(request));
  const headers = { "inference-header-content-length": `${json.length}` };
  return post(
    `${model}: ${name}`,
    `/v2/models/${model}/infer`,
    Buffer.concat([json, Buffer.from(hex, "hex")]),
    headers,
  );
}

const int32 = (name: string, value: number) => ({ name, datatype: "INT32", shape: [1], data: [value] });
const sent = (datatype: string, data: unknown[], more: Fields = {}) => ({
  name: `X_${datatype}`,
  datatype,
  shape: [data.length],
  data,
  ...more,
});
const inBinary = (datatype: string, elements: number, bytes: number) => ({
  name: `X_${datatype}`,
  datatype,
  shape: [elements],
  parameters: { binary_data_size: bytes },
});
const wanted = (datatype: string, binary?: boolean) => ({
  name: `Y_${datatype}`,
  ...(binary !== undefined && { parameters: { binary_data: binary } }),
});
/** All outputs as binary data. */
const BINARY = { parameters: { binary_data_output: true } };

/** Of each datatype two elements: as JSON, and their bytes. */
const ELEMENTS: [datatype: string, data: unknown[], hex: string][] = [
  ["BOOL", [true, false], "0100"],
  ["UINT8", [0, 255], "00ff"],
  ["UINT16", [1, 65535], "0100ffff"],
  ["UINT32", [1, 4294967295], "01000000ffffffff"],
  ["INT8", [-128, 127], "807f"],
  ["INT16", [-32768, 1], "00800100"],
  ["INT32", [-2147483648, 1], "0000008001000000"],
  ["INT64", [-1, 9007199254740991], "ffffffffffffffffffffffffffff1f00"],
  ["UINT64", [1, 9007199254740991], "0100000000000000ffffffffffff1f00"],
  ["FP16", [1, 0.5], "003c0038"],
  ["BF16", [4096, 0.5], "8045003f"],
  ["FP32", [0.1, 16777216], "cdcccc3d0000804b"],
  ["FP64", [0.1, 1e300], "9a9999999999b93f9c7500883ce4377e"],
  ["BYTES", ["a", "é"], "010000006102000000c3a9"],
];

const DATATYPES: Case[] = ELEMENTS.flatMap(([datatype, data, hex]) => {
  const input = inBinary(datatype, 2, hex.length / 2);
  return [
    infer(`${datatype} as JSON`, "echo", { inputs: [sent(datatype, data)] }),
    infer(`${datatype} as JSON, for binary data`, "echo", { ...BINARY, inputs: [sent(datatype, data)] }),
    inferBinary(`${datatype} as binary data, for JSON`, "echo", { inputs: [input] }, hex),
    inferBinary(`${datatype} as binary data`, "echo", { ...BINARY, inputs: [input] }, hex),
  ];
});

const two = { inputs: [sent("FP32", [1]), sent("INT8", [2])] };
const one = { inputs: [sent("FP32", [1])] };
const NOT_FINITE = "0000c07f0000807f000080ff";

const FORMS: Case[] = [
  infer("one output binary, one not", "echo", { ...two, outputs: [wanted("FP32", true), wanted("INT8")] }),
  infer("binary by default, one output not", "echo", {
    ...two,
    ...BINARY,
    outputs: [wanted("FP32", false), wanted("INT8")],
  }),
  infer("one JSON output beside all others", "echo", {
    ...two,
    ...BINARY,
    outputs: [wanted("INT8"), wanted("FP32", false)],
  }),
  inferBinary(
    "bytes that are no UTF-8 beside JSON",
    "echo",
    {
      inputs: [inBinary("BYTES", 1, 6), sent("INT8", [2])],
      outputs: [wanted("BYTES", true), wanted("INT8", false)],
    },
    "02000000fffe",
  ),
  inferBinary(
    "NaN and infinities as binary data",
    "echo",
    { ...BINARY, inputs: [inBinary("FP32", 3, 12)] },
    NOT_FINITE,
  ),
  inferBinary("NaN and infinities as JSON", "echo", { inputs: [inBinary("FP32", 3, 12)] }, NOT_FINITE),
  inferBinary(
    "bytes that are no UTF-8 as JSON",
    "echo",
    { inputs: [inBinary("BYTES", 1, 6)] },
    "02000000fffe",
  ),
  infer("64 outputs, all binary", "many", { ...BINARY, inputs: [{ ...sent("FP32", [1.5]), name: "X" }] }),
  infer("64 outputs, named, all binary", "many", {
    inputs: [{ ...sent("FP32", [1.5]), name: "X" }],
    outputs: MANY.map((name) => ({ name, parameters: { binary_data: true } })),
  }),
  infer("64 outputs as JSON", "many", { inputs: [{ ...sent("FP32", [1.5]), name: "X" }] }),
  infer("an id of 5,000 characters, binary", "echo", { ...one, ...BINARY, id: "i".repeat(5000) }),
  infer("an id of 5,000 characters", "echo", { ...one, id: "i".repeat(5000) }),
  infer("classes", "echo", {
    inputs: [sent("FP32", [1, 3, 2])],
    outputs: [{ name: "Y_FP32", parameters: { classification: 2 } }],
  }),
  infer("an ensemble", "chain", { inputs: [{ ...sent("FP32", [1.5]), name: "X" }] }),
];

const told = (name: string, more: Fields) => infer(name, "told", { inputs: [int32("X", 1)], ...more });

/** Parameters of the model `told` have names with `p`: what else reaches it are headers. */
const PARAMETERS: Case[] = [
  told("an id", { id: "77" }),
  told("parameters", { parameters: { p1: 1, p2: 1.5, p3: "é", p4: true, p5: -1 } }),
  told("the largest int64", { parameters: { p: 1 } }),
  told("a parameter of 2^63", { parameters: { p: 2 ** 63 } }),
  told("a parameter of -2^63 - 2048", { parameters: { p: -(2 ** 63) - 2048 } }),
  told("a parameter of 1e29", { parameters: { p: 1e29 } }),
  told("a sequence id", { parameters: { sequence_id: 5, sequence_start: true } }),
  post(
    "told: the largest sequence id",
    "/v2/models/told/infer",
    JSON.stringify({ inputs: [int32("X", 1)], parameters: { sequence_id: 0 } }).replace(
      '"sequence_id":0',
      '"sequence_id":18446744073709551615,"sequence_start":true,"sequence_end":true',
    ),
  ),
  told("a sequence id of text", { parameters: { sequence_id: "abc", sequence_end: true } }),
  told("a sequence id below 0", { parameters: { sequence_id: -1 } }),
  told("priority and timeout", { parameters: { priority: 5, timeout: 7 } }),
  told("priority below 0", { parameters: { priority: -5 } }),
  told("sequence_start as a number", { parameters: { sequence_id: 1, sequence_start: 1 } }),
  ...["id", "parameters", "outputs"].map((member) => told(`${member} null`, { [member]: null })),
  infer("parameters of an input null", "echo", { inputs: [sent("FP32", [1], { parameters: null })] }),
  infer("parameters of an output null", "echo", { ...one, outputs: [{ name: "Y_FP32", parameters: null }] }),
];

const summed = (name: string, x: number, parameters: Fields) =>
  infer(name, "running_sum", { parameters, inputs: [int32("X", x)] });

/** In this order: each server keeps its own sequences. */
const SEQUENCES: Case[] = [
  summed("a sequence starts", 3, { sequence_id: 7, sequence_start: true }),
  summed("it goes on", 4, { sequence_id: 7 }),
  summed("it ends", 5, { sequence_id: 7, sequence_end: true }),
  summed("no sequence", 4, {}),
  summed("a sequence without a start", 4, { sequence_id: 9 }),
];

const CODES = [
  "UNKNOWN",
  "INTERNAL",
  "NOT_FOUND",
  "INVALID_ARG",
  "UNAVAILABLE",
  "UNSUPPORTED",
  "ALREADY_EXISTS",
  "CANCELLED",
];

const FAULTS: Case[] = [
  ...CODES.map((code) =>
    infer(`fails with ${code}`, "fails", {
      inputs: [{ name: "X", datatype: "BYTES", shape: [1], data: [code] }],
    }),
  ),
  infer("a model that is not there", "none", one),
  infer("an input that is not there", "echo", { inputs: [{ ...sent("FP32", [1]), name: "zz" }] }),
  infer("an output that is not there", "echo", { ...one, outputs: [{ name: "zz" }] }),
  infer("the wrong datatype", "chain", { inputs: [{ ...sent("INT8", [1]), name: "X" }] }),
  infer("a decoupled model", "repeat", { inputs: [int32("COUNT", 3)] }),
  infer("less data than the shape says", "echo", { inputs: [{ ...sent("FP32", [1]), shape: [2] }] }),
  infer("no inputs", "echo", { inputs: [] }),
  infer("no member inputs", "echo", {}),
  post("echo: half a JSON", "/v2/models/echo/infer", "{"),
  infer("JSON as application/octet-stream", "echo", one, { "content-type": "application/octet-stream" }),
  infer("Content-Encoding: identity", "echo", one, { "content-encoding": "identity" }),
  infer("Inference-Header-Content-Length: 0", "echo", one, { "inference-header-content-length": "0" }),
  infer("shared memory", "echo", {
    inputs: [
      {
        name: "X_FP32",
        datatype: "FP32",
        shape: [1],
        parameters: { shared_memory_region: "r", shared_memory_byte_size: 4 },
      },
    ],
  }),
];

const QUESTIONS: Case[] = [
  get("/v2"),
  get("/v2/health/live"),
  get("/v2/health/ready"),
  get("/v2/models/echo"),
  get("/v2/models/chain"),
  get("/v2/models/echo/versions/1"),
  get("/v2/models/echo/versions/2"),
  get("/v2/models/none"),
  get("/v2/models/echo/ready"),
  get("/v2/models/none/ready"),
  get("/v2/models/fails/config"),
  get("/v2/models/chain/config"),
  get("/v2/models/running_sum/config"),
  get("/v2/models/repeat/versions/1/config"),
  get("/v2/models/none/config"),
  get("/v2/models/fails/stats"),
  get("/v2/models/echo/versions/1/stats"),
  get("/v2/models/none/stats"),
  get("/v2/models/stats"),
  post("the repository's index", "/v2/repository/index", "{}"),
  post("the repository's index of what is ready", "/v2/repository/index", '{"ready":true}'),
];

/** What the gateway does not pass. */
const MANAGEMENT: Case[] = [
  post("load", "/v2/repository/models/echo/load", "{}"),
  post("unload", "/v2/repository/models/echo/unload", "{}"),
  get("/v2/systemsharedmemory/status"),
  get("/v2/cudasharedmemory/status"),
  get("/v2/trace/setting"),
  get("/v2/models/echo/trace/setting"),
  get("/v2/logging"),
];

export const CASES: Case[] = [
  ...DATATYPES,
  ...FORMS,
  ...PARAMETERS,
  ...SEQUENCES,
  ...FAULTS,
  ...GENERATE,
  ...QUESTIONS,
  ...MANAGEMENT,
];
