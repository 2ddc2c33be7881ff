import fc from "fast-check";
import protobuf from "protobufjs";
import { beforeAll, describe, expect, it } from "vitest";
import { CONTINUE, type HeaderList, type Stream, Vm } from "../../tools/host/host.ts";
import { modulePath, PROJECT_ROOT } from "../../tools/wasm/modules.ts";

const proto = protobuf.loadSync(new URL("proto/open_inference.proto", PROJECT_ROOT).pathname);
const ModelInferRequest = proto.lookupType("inference.ModelInferRequest");
const ModelInferResponse = proto.lookupType("inference.ModelInferResponse");
const GRPC_HEADERS: HeaderList = [
  [":status", "200"],
  ["content-type", "application/grpc"],
];

let vm: Vm;
beforeAll(() => {
  vm = new Vm(modulePath("protocol-conversion"));
  expect(vm.configure({ protocolConversion: { tasks: [{ taskid: "1" }], maxRequestBytes: 1_000_000 } })).toBe(
    true,
  );
});

function open(path = "/v2/models/m/infer", more: Record<string, string> = {}): Stream {
  return vm.open({ ":method": "POST", ":path": path, taskid: "1", ...more });
}

function frame(message: Uint8Array): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

interface Request {
  modelName: string;
  modelVersion: string;
  id: string;
  inputs: { name: string; datatype: string; shape: number[] }[];
  outputs: { name: string }[];
  rawInputContents: Buffer[];
}

function send(json: string, chunkSize = json.length, path?: string): { request?: Request; error?: string } {
  const stream = open(path);
  const bytes = stream.sendRequestBody(Buffer.from(json), chunkSize);
  stream.close();
  if (stream.reply) return { error: JSON.parse(stream.reply.body).error };
  expect(Buffer.from(bytes).readUInt32BE(1)).toBe(bytes.length - 5);
  const message = ModelInferRequest.decode(bytes.subarray(5));
  return {
    request: ModelInferRequest.toObject(message, { longs: Number, arrays: true, defaults: true }) as Request,
  };
}

describe("requests", () => {
  const json = JSON.stringify({
    id: 'né"\u0001',
    parameters: { a: [1, { b: null }], c: true },
    inputs: [
      {
        name: "x",
        shape: [2, 2],
        datatype: "FP32",
        data: [
          [1.5, -2],
          [3e-3, 1e10],
        ],
      },
      { data: [[9007199254740993n, -1n]].flat().map(Number), shape: [2], datatype: "INT64", name: "y" },
      { name: "empty", shape: [0], datatype: "FP32", data: [] },
    ],
    outputs: [{ name: "out" }],
  }).replace("9007199254740992", "9007199254740993");

  it.each([1, 2, 3, 7, 64, 1000])("are converted in chunks of %d bytes", (chunkSize) => {
    const { request } = send(json, chunkSize, "/v2/models/m/versions/7/infer?x=1");
    expect(request).toMatchObject({
      modelName: "m",
      modelVersion: "7",
      id: 'né"\u0001',
      inputs: [
        { name: "x", datatype: "FP32", shape: [2, 2] },
        { name: "y", datatype: "INT64", shape: [2] },
        { name: "empty", datatype: "FP32", shape: [0] },
      ],
      outputs: [{ name: "out" }],
    });
    const [x, y, empty] = (request as Request).rawInputContents as [Buffer, Buffer, Buffer];
    expect([0, 4, 8, 12].map((at) => x.readFloatLE(at))).toEqual([1.5, -2, 3e-3, 1e10].map(Math.fround));
    expect([y.readBigInt64LE(0), y.readBigInt64LE(8)]).toEqual([9007199254740993n, -1n]);
    expect(empty.length).toBe(0);
  });

  it("have the path, content type and te of a gRPC call", () => {
    const stream = open("/v2/models/m/infer", { "content-length": "5", "accept-encoding": "gzip" });
    expect(Object.fromEntries(stream.requestHeaders)).toMatchObject({
      ":path": "/inference.GRPCInferenceService/ModelInfer",
      "x-envoy-original-path": "/v2/models/m/infer",
      "content-type": "application/grpc",
      te: "trailers",
    });
    expect(stream.header("content-length")).toBeUndefined();
    expect(stream.header("accept-encoding")).toBeUndefined();
    stream.close();
  });

  it.each([
    ["/v2/models/m/versions//infer", "path_unknown"],
    ["/v2/models//infer", "path_unknown"],
    ["/v2/models/m%2f/infer", "path_unknown"],
    ["/v2/models/m/infer/", "path_unknown"],
    ["/", "path_unknown"],
  ])("to %s are refused", (path, reason) => {
    expect(open(path).reply?.details).toBe(reason);
  });

  const input = (members: string) => `{"inputs":[{"name":"x","shape":[1],"datatype":"FP32",${members}}]}`;
  it.each([
    ["", "the JSON ends too early at byte 0"],
    ["{", "the JSON ends too early at byte 1"],
    ["{}", "inputs is required"],
    ["[1]", "a member has the wrong type at byte 0"],
    ['"x"', "a member has the wrong type at byte 0"],
    ['{"inputs":{}}', "a member has the wrong type at byte 10"],
    ['{"inputs":[1]}', "a member has the wrong type at byte 11"],
    ['{"a" 1}', "malformed JSON at byte 5"],
    ['{"a":1,}', "malformed JSON at byte 7"],
    ['{"a":01}', "malformed JSON at byte 5"],
    ['{"a":tru}', "malformed JSON at byte 5"],
    ['{"a":"\\x"}', "malformed JSON at byte 5"],
    ['{"a":"\\ud800"}', "malformed JSON at byte 5"],
    [`{"a":${"[".repeat(40)}`, "nested too deeply at byte 36"],
    [input('"data":[1]'), undefined],
    [input('"data":[1'), "malformed JSON"],
    [input('"data":[1,]'), "data must be numbers"],
    [input('"data":[1 2]'), "malformed JSON"],
    [input('"data":[null]'), "data must be numbers"],
    [input('"data":["1"]'), "data must be numbers"],
    [input('"data":[1e99]'), "a number does not fit the datatype"],
    [input('"data":[1,2]'), "data does not have as many elements as shape says"],
    [input('"data":[1],"data":[1]'), "malformed JSON"],
    [input('"x":1'), "an input needs name, shape, datatype and data"],
    ['{"inputs":[{"name":"x","shape":[-1],"datatype":"FP32","data":[]}]}', "shape must be"],
    ['{"inputs":[{"name":"x","shape":[1],"datatype":"BF16","data":[]}]}', "datatype must be"],
    [`{"inputs":[],"x":"${"y".repeat(70_000)}`, "too long"],
  ])("%s", (json, error) => {
    for (const chunkSize of [json.length || 1, 3]) {
      const result = send(json, chunkSize);
      if (error === undefined) expect(result.error).toBeUndefined();
      else expect(result.error).toContain(error);
    }
  });

  it("that are too large get 413", () => {
    const stream = open();
    stream.sendRequestBody(Buffer.alloc(1_000_001, " "), 65536);
    expect(stream.reply?.status).toBe(413);
    stream.close();
  });

  it("of any bytes never trap, and take what JSON.parse takes at most", () => {
    const good = Buffer.from(json);
    const mutation = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 50 }), (edits, chunkSize) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        const stream = open();
        stream.sendRequestBody(bytes, chunkSize);
        stream.close();
        if (!stream.reply) JSON.parse(bytes.toString());
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("responses", () => {
  const message = {
    modelName: "m",
    modelVersion: "1",
    id: "i",
    outputs: [
      { name: "a", datatype: "FP32", shape: [3] },
      { name: "b", datatype: "INT64", shape: [1, 2] },
    ],
    rawOutputContents: [
      Buffer.from(Float32Array.of(0.1, -2, 3e10).buffer),
      Buffer.from(BigInt64Array.of(-1n, 2n ** 62n).buffer),
    ],
  };
  const text =
    '{"model_name":"m","model_version":"1","id":"i","outputs":[{"name":"a","datatype":"FP32","shape":[3],"data":[0.1,-2.0,30000000000.0]},' +
    '{"name":"b","datatype":"INT64","shape":[1,2],"data":[-1,4611686018427387904]}]}';

  function respond(bytes: Uint8Array, chunkSize?: number): { text: string; error?: string } {
    const stream = open();
    stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
    expect(stream.action).toBe(CONTINUE);
    const body = stream.respond([...GRPC_HEADERS], bytes, chunkSize);
    stream.close();
    return { text: Buffer.from(body).toString(), ...(stream.reply && { error: stream.reply.body }) };
  }

  it.each([1, 2, 5, 13, 1000])("with raw contents, in chunks of %d bytes", (chunkSize) => {
    const bytes = frame(ModelInferResponse.encode(message).finish());
    expect(respond(bytes, chunkSize)).toEqual({ text });
  });

  it.each([1, 2, 5, 13, 1000])("with typed contents, in chunks of %d bytes", (chunkSize) => {
    const [a, b] = message.outputs;
    const typed = {
      ...message,
      outputs: [
        { ...a, contents: { fp32Contents: [0.1, -2, 3e10] } },
        { ...b, contents: { int64Contents: ["-1", "4611686018427387904"] } },
      ],
      rawOutputContents: [],
    };
    const bytes = frame(ModelInferResponse.encode(ModelInferResponse.fromObject(typed)).finish());
    expect(respond(bytes, chunkSize)).toEqual({ text });
  });

  it("take the last of a field that comes twice, and none for one that is missing", () => {
    const output = (...fields: [number, string][]) =>
      Buffer.concat(fields.map(([tag, text]) => Buffer.from([tag, text.length, ...Buffer.from(text)])));
    for (const [fields, name] of [
      [output([10, "a"], [18, "INT64"], [10, "b"], [18, "FP32"]), "b"],
      [output([18, "FP32"]), ""],
    ] as const) {
      const message = Buffer.concat([
        Buffer.of(0x2a, fields.length),
        fields,
        Buffer.of(0x32, 4),
        Buffer.alloc(4),
      ]);
      const reply = `{"outputs":[{"name":"${name}","datatype":"FP32","shape":[],"data":[0.0]}]}`;
      expect(respond(frame(message))).toEqual({ text: reply });
    }
  });

  it("of any bytes never trap", () => {
    const good = frame(ModelInferResponse.encode(message).finish());
    const mutation = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 50 }), (edits, chunkSize) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        const result = respond(bytes, chunkSize);
        if (!result.error) JSON.parse(result.text);
      }),
      { numRuns: 20_000 },
    );
  });

  it("that are cut off are an error", () => {
    const bytes = frame(ModelInferResponse.encode(message).finish());
    for (let length = 1; length < bytes.length; length++) {
      expect(respond(bytes.subarray(0, length)).error).toContain("model_reply_malformed");
    }
  });
});
