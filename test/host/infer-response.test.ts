import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import {
  conversionVm,
  frame,
  GRPC_HEADERS,
  ModelInferResponse,
  ModelStreamInferResponse,
  open,
  respond,
} from "../support/conversion.ts";

let vm: Vm;
beforeAll(() => {
  vm = conversionVm();
});

const CHUNKS = [1, 2, 5, 13, 1000];
const encode = (message: object) =>
  ModelInferResponse.encode(ModelInferResponse.fromObject(message)).finish();
const reply = (message: object) => frame(encode(message));

/** Of each datatype: typed contents, raw contents, JSON. */
const DATATYPES: [string, object | undefined, string, string][] = [
  ["BOOL", { boolContents: [true, false] }, "0100", "true,false"],
  ["UINT8", { uintContents: [0, 255] }, "00ff", "0,255"],
  ["UINT16", { uintContents: [1, 65535] }, "0100ffff", "1,65535"],
  ["UINT32", { uintContents: [1, 4294967295] }, "01000000ffffffff", "1,4294967295"],
  [
    "UINT64",
    { uint64Contents: ["1", "18446744073709551615"] },
    "0100000000000000ffffffffffffffff",
    "1,18446744073709551615",
  ],
  ["INT8", { intContents: [-128, 127] }, "807f", "-128,127"],
  ["INT16", { intContents: [-32768, 1] }, "00800100", "-32768,1"],
  ["INT32", { intContents: [-2147483648, 1] }, "0000008001000000", "-2147483648,1"],
  [
    "INT64",
    { int64Contents: ["-1", "4611686018427387904"] },
    "ffffffffffffffff0000000000000040",
    "-1,4611686018427387904",
  ],
  ["FP16", undefined, "003c66ae", "1.0,-0.099975586"],
  ["BF16", undefined, "803fcdbd", "1.0,-0.100097656"],
  ["FP32", { fp32Contents: [0.1, 3e10] }, "cdcccc3d7684df50", "0.1,30000000000.0"],
  ["FP64", { fp64Contents: [0.1, 1e300] }, "9a9999999999b93f9c7500883ce4377e", "0.1,1e300"],
  [
    "BYTES",
    { bytesContents: [Buffer.from('né"\n'), Buffer.of()] },
    "050000006ec3a9220a00000000",
    '"né\\"\\u000a",""',
  ],
];

describe.each(DATATYPES)("%s", (datatype, typed, hex, json) => {
  const text = `{"model_name":"m","outputs":[{"name":"y","datatype":"${datatype}","shape":[2,1],"data":[${json}]}]}`;
  const output = { name: "y", datatype, shape: [2, 1] };
  const raw = { modelName: "m", outputs: [output], rawOutputContents: [Buffer.from(hex, "hex")] };
  const inside = { modelName: "m", outputs: [{ ...output, contents: typed }] };
  const binary = '{"parameters":{"binary_data_output":true},"inputs":[]}';

  it.each(CHUNKS)("in chunks of %d bytes", (chunkSize) => {
    const replies = typed ? [raw, inside] : [raw];
    for (const message of replies) {
      const { body, error } = respond(vm, reply(message), chunkSize);
      expect([error, body.toString()]).toEqual([undefined, text]);
      const asked = respond(vm, reply(message), chunkSize, binary);
      expect(asked.error).toBeUndefined();
      expect(asked.headers["content-type"]).toBe("application/octet-stream");
      const length = Number(asked.headers["inference-header-content-length"]);
      expect(JSON.parse(asked.body.toString("utf8", 0, length))).toEqual({
        model_name: "m",
        outputs: [{ ...output, parameters: { binary_data_size: hex.length / 2 } }],
      });
      expect(asked.body.toString("hex", length)).toBe(hex);
    }
  });
});

describe("a reply", () => {
  const message = {
    modelName: "m",
    modelVersion: "1",
    id: "i",
    parameters: { a: { boolParam: true }, b: { int64Param: -5 }, c: { stringParam: 'q"' } },
    outputs: [
      {
        name: "a",
        datatype: "FP32",
        shape: [3],
        parameters: { d: { doubleParam: 0.5 }, e: { uint64Param: "18446744073709551615" } },
      },
      { name: "b", datatype: "INT64", shape: [1, 2] },
      { name: "s", datatype: "BYTES", shape: [1] },
    ],
    rawOutputContents: [
      Buffer.from(Float32Array.of(0.1, -2, 3e10).buffer),
      Buffer.from(BigInt64Array.of(-1n, 2n ** 62n).buffer),
      Buffer.from("\x01\0\0\0x", "latin1"),
    ],
  };
  const text =
    '{"model_name":"m","model_version":"1","id":"i","parameters":{"a":true,"b":-5,"c":"q\\""},"outputs":[' +
    '{"name":"a","datatype":"FP32","shape":[3],"parameters":{"d":0.5,"e":18446744073709551615},"data":[0.1,-2.0,30000000000.0]},' +
    '{"name":"b","datatype":"INT64","shape":[1,2],"data":[-1,4611686018427387904]},' +
    '{"name":"s","datatype":"BYTES","shape":[1],"data":["x"]}]}';

  it.each(CHUNKS)("is converted in chunks of %d bytes", (chunkSize) => {
    expect(respond(vm, reply(message), chunkSize).body.toString()).toBe(text);
  });

  it.each([
    [
      '{"inputs":[],"outputs":[{"name":"a","parameters":{"binary_data":true}},{"name":"b","parameters":{"binary_data":true}}]}',
      true,
    ],
    ['{"parameters":{"binary_data_output":true},"inputs":[],"outputs":[{"name":"a"},{"name":"b"}]}', true],
    ['{"parameters":{"binary_data_output":false},"inputs":[]}', false],
  ])("to %s is binary: %s", (request, binary) => {
    const { body, headers } = respond(vm, reply(message), 7, request);
    expect(headers["content-type"]).toBe(binary ? "application/octet-stream" : "application/json");
    if (!binary) return expect(body.toString()).toBe(text);
    const length = Number(headers["inference-header-content-length"]);
    const { outputs } = JSON.parse(body.toString("utf8", 0, length));
    expect(outputs.map((output: { parameters: object }) => output.parameters)).toMatchObject([
      { d: 0.5, binary_data_size: 12 },
      { binary_data_size: 16 },
      { binary_data_size: 5 },
    ]);
    expect(body.subarray(length)).toEqual(Buffer.concat(message.rawOutputContents));
  });

  it("takes the last of a field that comes twice, and none for one that is missing", () => {
    const output = (...fields: [number, string][]) =>
      Buffer.concat(fields.map(([tag, text]) => Buffer.from([tag, text.length, ...Buffer.from(text)])));
    for (const [fields, name] of [
      [output([10, "a"], [18, "INT64"], [10, "b"], [18, "FP32"]), "b"],
      [output([18, "FP32"]), ""],
    ] as const) {
      const raw = Buffer.concat([
        Buffer.of(0x2a, fields.length),
        fields,
        Buffer.of(0x32, 4),
        Buffer.alloc(4),
      ]);
      const json = `{"outputs":[{"name":"${name}","datatype":"FP32","shape":[],"data":[0.0]}]}`;
      expect(respond(vm, frame(raw)).body.toString()).toBe(json);
    }
  });

  it("with elements that are not packed is converted", () => {
    // contents { int64_contents: 5, 6 } as two fields of their own
    const output = Buffer.from([10, 1, 121, 18, 5, ...Buffer.from("INT64"), 24, 2, 42, 4, 24, 5, 24, 6]);
    const json = '{"outputs":[{"name":"y","datatype":"INT64","shape":[2],"data":[5,6]}]}';
    for (const chunkSize of CHUNKS) {
      expect(respond(vm, frame(Buffer.from([42, output.length, ...output])), chunkSize).body.toString()).toBe(
        json,
      );
    }
  });

  it("with strings of any text has them as they are, however it is split", () => {
    const plain = fc.string({ unit: fc.constantFrom(..."abc 0"), maxLength: 50 });
    const odd = fc.string({
      unit: fc.constantFrom("a", "é", '"', "\\", "\n", "\u007f", "😀"),
      maxLength: 20,
    });
    const list = fc.array(fc.oneof(plain, plain, plain, odd), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 300 }), (texts, chunkSize) => {
        const contents = texts.flatMap((text) => {
          const bytes = Buffer.from(text);
          return [Buffer.from(Uint32Array.of(bytes.length).buffer), bytes];
        });
        const outputs = [{ name: "y", datatype: "BYTES", shape: [texts.length] }];
        const bytes = reply({ outputs, rawOutputContents: [Buffer.concat(contents)] });
        expect(JSON.parse(respond(vm, bytes, chunkSize).body.toString()).outputs[0].data).toEqual(texts);
      }),
      { numRuns: 1000 },
    );
  });

  it("with text that is no UTF-8 is valid JSON all the same", () => {
    const bytes = Buffer.from("\x04\0\0\0a\xffb\xc3", "latin1");
    const raw = { outputs: [{ name: "y", datatype: "BYTES", shape: [1] }], rawOutputContents: [bytes] };
    for (const chunkSize of CHUNKS) {
      expect(JSON.parse(respond(vm, reply(raw), chunkSize).body.toString()).outputs[0].data).toEqual([
        "a\ufffdb\ufffd",
      ]);
    }
  });

  it.each([
    ["null", [null, null, null]],
    ["string", ["NaN", "Infinity", "-Infinity"]],
    ["error", undefined],
  ])("with NaN and infinities, policy %s", (nonFinite, data) => {
    const own = conversionVm({ nonFinite });
    const raw = Buffer.from(
      Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY).buffer,
    );
    const result = respond(
      own,
      reply({ outputs: [{ name: "y", datatype: "FP32", shape: [3] }], rawOutputContents: [raw] }),
    );
    if (data) expect(JSON.parse(result.body.toString()).outputs[0].data).toEqual(data);
    else
      expect(result.error).toMatchObject({
        reason: "model_reply_malformed",
        error: expect.stringContaining("NaN"),
      });
  });

  it("that is cut off is an error", () => {
    const bytes = reply(message);
    for (let length = 1; length < bytes.length; length++) {
      expect(respond(vm, bytes.subarray(0, length)).error).toMatchObject({ reason: "model_reply_malformed" });
    }
  });

  const tensor = { name: "y", datatype: "FP32", shape: [2] };
  it.each([
    ["compressed", Buffer.concat([Buffer.of(1), reply(message).subarray(1)]), "compressed"],
    ["two messages", Buffer.concat([reply(message), reply(message)]), "more than one"],
    ["oversize", Buffer.of(0, 0xff, 0xff, 0xff, 0xff), "over the limit"],
    [
      "too few elements",
      reply({ outputs: [tensor], rawOutputContents: [Buffer.alloc(4)] }),
      "size of its shape",
    ],
    [
      "too few typed elements",
      reply({ outputs: [{ ...tensor, contents: { fp32Contents: [1] } }] }),
      "size of its shape",
    ],
    [
      "half an element",
      reply({ outputs: [{ ...tensor, shape: [1] }], rawOutputContents: [Buffer.alloc(5)] }),
      "size of its shape",
    ],
    [
      "more raw contents than outputs",
      reply({ outputs: [], rawOutputContents: [Buffer.alloc(4)] }),
      "malformed",
    ],
    [
      "fewer raw contents than outputs",
      reply({ outputs: [tensor, tensor], rawOutputContents: [Buffer.alloc(8)] }),
      "malformed",
    ],
    [
      "an unknown datatype",
      reply({ outputs: [{ ...tensor, datatype: "FP8" }], rawOutputContents: [Buffer.alloc(8)] }),
      "unknown datatype",
    ],
    [
      "contents of another datatype",
      reply({ outputs: [{ ...tensor, contents: { int64Contents: ["1", "2"] } }] }),
      "malformed",
    ],
    [
      "an element of BYTES beyond its contents",
      reply({
        outputs: [{ ...tensor, datatype: "BYTES", shape: [1] }],
        rawOutputContents: [Buffer.of(9, 0, 0, 0, 1)],
      }),
      "malformed",
    ],
    [
      "a negative dimension",
      reply({ outputs: [{ ...tensor, shape: [-1] }], rawOutputContents: [Buffer.alloc(4)] }),
      "size of its shape",
    ],
    ["a tag of no field", frame(Buffer.of(0, 0)), "malformed"],
    ["a field as long as 64 bits can say", frame(Buffer.from("0affffffffffffffff7f61", "hex")), "malformed"],
  ])("%s is an error", (_name, bytes, error) => {
    for (const chunkSize of [1, 4, bytes.length]) {
      expect(respond(vm, bytes, chunkSize).error?.error).toContain(error);
    }
  });

  it("of any bytes never traps, and is JSON when it is no error", () => {
    const good = reply(message);
    const mutation = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const requests = ['{"inputs":[]}', '{"parameters":{"binary_data_output":true},"inputs":[]}'];
    fc.assert(
      fc.property(
        mutation,
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(...requests),
        (edits, chunkSize, request) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          const { error, body, headers } = respond(vm, bytes, chunkSize, request);
          const length = headers["inference-header-content-length"];
          if (!error) JSON.parse(body.toString("utf8", 0, length ? Number(length) : body.length));
        },
      ),
      { numRuns: 20_000 },
    );
  });
});

describe("a model's error", () => {
  it.each([
    [3, 400],
    [5, 404],
    [8, 429],
    [13, 500],
    [14, 503],
    [16, 401],
    [99, 500],
  ])("of gRPC status %d is HTTP status %d", (grpcStatus, status) => {
    const stream = open(vm);
    stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
    const message = "no caf%C3%A9 %";
    stream.respond(
      [...GRPC_HEADERS, ["grpc-status", String(grpcStatus)], ["grpc-message", message]],
      Buffer.of(),
    );
    expect(stream.reply?.status).toBe(status);
    expect(JSON.parse(stream.reply?.body as string)).toEqual({
      error: "no café %",
      reason: `model_error_${grpcStatus > 16 ? 2 : grpcStatus}`,
    });
    stream.close();
  });

  it.each([
    [
      "an error in trailers",
      [
        ["grpc-status", "13"],
        ["grpc-message", "half"],
      ],
      "model_error_13",
    ],
    ["trailers without a status", [], "model_error_2"],
    ["trailers after half a message", [["grpc-status", "0"]], "model_reply_malformed"],
  ] as [string, [string, string][], string][])("%s", (_name, trailers, reason) => {
    const stream = open(vm);
    stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
    stream.respond([...GRPC_HEADERS], reply({ modelName: "a model" }).subarray(0, 9), 9, false);
    stream.endResponse(trailers);
    expect(stream.reply?.details).toBe(reason);
    expect(JSON.parse(stream.reply?.body as string).error).not.toBe("");
    stream.close();
  });
});

it.each(["<html>", ""])("a success that is no gRPC is a 502: '%s'", (body) => {
  const stream = open(vm);
  stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
  stream.respond(
    [
      [":status", "200"],
      ["content-type", "text/html"],
    ],
    Buffer.from(body),
  );
  expect(stream.reply).toMatchObject({ status: 502, details: "model_reply_malformed" });
  stream.close();
});

describe("a stream of replies", () => {
  const one = (value: number) =>
    frame(
      ModelStreamInferResponse.encode(
        ModelStreamInferResponse.fromObject({
          inferResponse: {
            modelName: "m",
            outputs: [{ name: "y", datatype: "INT32", shape: [1] }],
            rawOutputContents: [Buffer.from(Int32Array.of(value).buffer)],
          },
        }),
      ).finish(),
    );
  const failure = frame(ModelStreamInferResponse.encode({ errorMessage: 'no "model"' }).finish());
  const bytes = Buffer.concat([one(1), failure, one(-2)]);
  const json = (value: number) =>
    `{"model_name":"m","outputs":[{"name":"y","datatype":"INT32","shape":[1],"data":[${value}]}]}`;
  const error = '{"error":"no \\"model\\""}';

  it.each([
    ["text/event-stream", `data: ${json(1)}\n\ndata: ${error}\n\ndata: ${json(-2)}\n\n`],
    ["application/x-ndjson", `${json(1)}\n${error}\n${json(-2)}\n`],
  ])("as %s", (accept, text) => {
    for (const chunkSize of CHUNKS) {
      const stream = open(vm, undefined, { accept: `${accept}, */*` });
      expect(stream.header(":path")).toBe("/inference.GRPCInferenceService/ModelStreamInfer");
      stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
      expect(Buffer.from(stream.respond([...GRPC_HEADERS], bytes, chunkSize, false)).toString()).toBe(text);
      expect(Object.fromEntries(stream.responseHeaders)["content-type"]).toBe(accept);
      stream.endResponse([["grpc-status", "0"]]);
      expect(stream.reply).toBeUndefined();
      stream.close();
    }
  });

  it("hands on each reply as it arrives", () => {
    const stream = open(vm, undefined, { accept: "application/x-ndjson" });
    stream.sendRequestBody(Buffer.from('{"inputs":[]}'));
    expect(Buffer.from(stream.respond([...GRPC_HEADERS], one(1), 1000, false)).toString()).toBe(
      `${json(1)}\n`,
    );
    stream.close();
  });
});
