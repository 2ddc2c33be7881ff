import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import type { Vm } from "../../tools/lib/host/vm.ts";
import {
  conversionVm,
  frame,
  GRPC_HEADERS,
  ModelInferResponse,
  ModelStreamInferResponse,
} from "../support/conversion.ts";
import {
  type Config,
  configReply,
  ModelMetadataResponse,
  openGenerate,
  type Sent,
  sentOf,
  textsOf,
} from "../support/generate.ts";

/** `generate` and `generate_stream`: requests by the model's inputs, one reply or a stream of them. */

const STREAM = "/v2/models/m/generate_stream";
const MODEL: Config = {
  input: [
    { name: "text_input", dataType: "TYPE_STRING", dims: [1] },
    { name: "stream", dataType: "TYPE_BOOL", dims: [1] },
    { name: "max_tokens", dataType: "TYPE_INT32", dims: [1] },
    { name: "temperature", dataType: "TYPE_FP32", dims: [1] },
    { name: "stop_words", dataType: "TYPE_STRING", dims: [-1] },
    { name: "ids", dataType: "TYPE_INT64", dims: [-1, 2] },
  ],
};

let vm: Vm;
beforeAll(() => {
  vm = conversionVm({ maxRequestBytes: 4_000_000 });
});
afterEach(() => {
  expect(vm.callouts).toEqual([]);
});

let models = 0;
/** A path of a model that the gateway does not know yet. */
const fresh = (operation: string) => `/v2/models/m${++models}/${operation}`;

function send(json: string, chunkSize = json.length || 1, config = MODEL, path = "/v2/models/m/generate") {
  const stream = openGenerate(vm, config, path);
  const bytes = stream.reply ? Buffer.of() : stream.sendRequestBody(Buffer.from(json), chunkSize);
  stream.close();
  if (stream.reply) return { status: stream.reply.status, ...JSON.parse(stream.reply.body) };
  return sentOf(bytes) as Sent & { status?: never; error?: never };
}

describe("a request", () => {
  it("has a tensor for each member that is an input, wherever it stands; the others are parameters", () => {
    const sent = send(
      JSON.stringify({
        id: "42",
        text_input: "Grüße \u{1f600}",
        stream: false,
        stop_words: ["a", "bc"],
        beam: 2,
        parameters: { max_tokens: 16, temperature: 0.5, top_p: 0.25, user: "u", log: true, big: 2 ** 40 },
      }),
    );
    expect(sent.id).toBe("42");
    expect(sent.parameters).toEqual({ beam: 2, top_p: 0.25, user: "u", log: true, big: 2 ** 40 });
    const { text_input, stream, max_tokens, temperature, stop_words } = sent.inputs;
    expect(text_input).toMatchObject({ datatype: "BYTES", shape: [1] });
    expect(textsOf(text_input.data)).toEqual(["Grüße \u{1f600}"]);
    expect(stream).toEqual({ datatype: "BOOL", shape: [1], data: Buffer.of(0) });
    expect(max_tokens.data.readInt32LE()).toBe(16);
    expect(temperature.data.readFloatLE()).toBe(0.5);
    expect(stop_words.shape).toEqual([2]);
    expect(textsOf(stop_words.data)).toEqual(["a", "bc"]);
  });

  it.each<[string, Config["input"][0]["dims"], number, unknown, number[] | undefined]>([
    ["a scalar", [1], 0, 7, [1]],
    ["a scalar of a batch", [1], 8, 7, [1, 1]],
    ["a list of one", [1], 0, [7], [1]],
    ["a list", [-1], 0, [7, 8, 9], [3]],
    ["a list of a batch", [-1], 8, [7, 8, 9], [1, 3]],
    ["fixed dimensions first", [-1, 2], 0, [1, 2, 3, 4], [2, 2]],
    ["the batch takes what is left", [2], 8, [1, 2, 3, 4], [2, 2]],
    ["only the innermost free one grows", [-1, -1], 8, [1, 2], [1, 1, 2]],
    [
      "lists in lists",
      [-1, 2],
      0,
      [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
    ],
    ["nothing", [-1], 0, [], [0]],
    ["no dimension", [], 0, 7, []],
    ["an odd number", [-1, 2], 0, [1, 2, 3], undefined],
    ["too few", [3], 0, [1, 2], undefined],
    ["too many", [1], 0, [1, 2], undefined],
    ["a dimension of 0", [0], 0, [1], undefined],
  ])("%s of %j, batch %i: %j has the shape %j", (_name, dims, maxBatchSize, value, shape) => {
    const config = { maxBatchSize, input: [{ name: "x", dataType: "TYPE_INT32", dims }] };
    const sent = send(JSON.stringify({ x: value }), undefined, config, fresh("generate"));
    if (shape) expect(sent.inputs.x.shape).toEqual(shape);
    else expect(sent).toMatchObject({ status: 400, reason: "json_malformed" });
  });

  it.each([
    ["a number for a text", '{"text_input":1}', "datatype of the model's input at byte 14 (text_input)"],
    ["a text for a number", '{"max_tokens":"1"}', "datatype of the model's input"],
    ["a text for a boolean", '{"stream":"true"}', "datatype of the model's input"],
    ["a fraction for an integer", '{"max_tokens":1.5}', "datatype of the model's input"],
    ["null for an input", '{"text_input":null}', "datatype of the model's input"],
    ["null in a list", '{"stop_words":[null]}', "data must be strings"],
    ["null for a parameter", '{"other":null}', "a parameter must be"],
    ["a list for a parameter", '{"other":[1]}', "a parameter must be"],
    ["an object for a parameter", '{"other":{"a":1}}', "a parameter must be"],
    ["an object for an input", '{"text_input":{"a":1}}', "wrong type"],
    ["an input twice", '{"stream":true,"stream":true}', "occurs twice"],
    ["an input twice, once in parameters", '{"stream":true,"parameters":{"stream":true}}', "occurs twice"],
    ["an escaped name of an input", '{"stream":true,"str\\u0065am":true}', "occurs twice"],
    ["parameters that are a list", '{"parameters":[]}', "wrong type"],
    ["a list", "[]", "wrong type"],
    ["half an object", '{"text_input":"a"', "ends too early"],
    ["lists of several lengths", '{"ids":[[1,2],[3]]}', "equal length"],
  ])("%s is refused", (_name, json, error) => {
    const refusal = send(json);
    expect(refusal.status).toBe(400);
    expect(refusal.error).toContain(error);
  });

  it("whose prompt is a megabyte goes on whole", () => {
    const text = "é\\\n".repeat(300_000);
    expect(textsOf(send(JSON.stringify({ text_input: text })).inputs.text_input.data)).toEqual([text]);
  });

  it("is the same in any chunks", () => {
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.integer(), fc.boolean());
    const request = fc.record(
      {
        text_input: fc.string({ unit: "binary", maxLength: 80 }),
        stop_words: fc.array(fc.string({ unit: "binary" })),
        ids: fc.array(fc.integer(), { maxLength: 3 }).map((list) => [...list, ...list]),
        max_tokens: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        parameters: fc.dictionary(
          fc.string().filter((name) => !name.includes("__")),
          value,
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(request, fc.integer({ min: 1, max: 20 }), (body, chunk) => {
        const names = MODEL.input.map(({ name }) => name);
        fc.pre(!Object.keys(body.parameters ?? {}).some((name) => names.includes(name)));
        const json = JSON.stringify(body);
        const sent = send(json, chunk);
        expect(sent.parameters).toEqual(body.parameters ?? {});
        const { text_input, stop_words, ids, max_tokens } = sent.inputs;
        if (body.text_input !== undefined) expect(textsOf(text_input.data)).toEqual([body.text_input]);
        if (body.stop_words) expect(textsOf(stop_words.data)).toEqual(body.stop_words);
        if (body.ids) {
          expect(ids.shape).toEqual([body.ids.length / 2, 2]);
          expect(body.ids.map((_, i) => Number(ids.data.readBigInt64LE(8 * i)))).toEqual(body.ids);
        }
        if (body.max_tokens !== undefined) expect(max_tokens.data.readInt32LE()).toBe(body.max_tokens);
      }),
      { numRuns: 40 },
    );
  });
});

const rpcOf = (config: Config, path: string) => {
  const stream = openGenerate(vm, config, path);
  const rpc = stream.header(":path");
  stream.close();
  return rpc?.split("/").at(-1);
};

describe("the model server is asked what a model takes", () => {
  const open = (path: string) => vm.open({ ":method": "POST", ":path": path, taskid: "1" });

  it("once for some time, for each version of a model", () => {
    const path = fresh("generate");
    rpcOf(MODEL, path);
    expect(open(path).action).toBe(CONTINUE);
    const other = open(path.replace("/generate", "/versions/2/generate"));
    expect(vm.callouts[0]?.headers).toContainEqual([":path", "/inference.GRPCInferenceService/ModelConfig"]);
    vm.answerCallout(200, configReply(MODEL), [["grpc-status", "0"]]);
    expect(other.action).toBe(CONTINUE);
  });

  it("of its metadata where it has no configuration to tell", () => {
    const stream = open(fresh("generate"));
    vm.answerCallout(200, "", [["grpc-status", "12"]]);
    expect(vm.callouts[0]?.headers).toContainEqual([
      ":path",
      "/inference.GRPCInferenceService/ModelMetadata",
    ]);
    const inputs = [{ name: "x", datatype: "FP64", shape: [-1, 2] }];
    vm.answerCallout(200, frame(ModelMetadataResponse.encode({ name: "m", inputs }).finish()), [
      ["grpc-status", "0"],
    ]);
    vm.stream = stream;
    const sent = sentOf(stream.sendRequestBody(Buffer.from('{"x":[1,2.5]}')));
    expect(sent.inputs.x).toMatchObject({ datatype: "FP64", shape: [1, 2] });
    expect(stream.header(":path")).toBe("/inference.GRPCInferenceService/ModelInfer");
  });

  it.each([
    ["does not know the model", 200, "5", 404, "model_error_5"],
    ["does not answer", 0, "", 503, "upstream_error"],
    ["sends nonsense", 200, "0", 502, "model_reply_malformed"],
  ])("and the caller hears when it %s", (_name, status, code, expected, reason) => {
    const stream = open(fresh("generate"));
    for (let i = 0; i < 2; i++)
      vm.answerCallout(status, status === 0 ? "" : frame(Buffer.from([0xff])), [["grpc-status", code]]);
    expect([stream.reply?.status, stream.reply?.details]).toEqual([expected, reason]);
    stream.close();
  });

  it("and is forgotten when the caller goes away", () => {
    const stream = open(fresh("generate"));
    stream.close();
    vm.answerCallout(200, configReply(MODEL), [["grpc-status", "0"]]);
    expect(stream.reply).toBeUndefined();
  });

  it("a decoupled model is called by a stream, others by a stream only where that is wanted", () => {
    const decoupled = { ...MODEL, decoupled: true };
    expect(rpcOf(MODEL, fresh("generate"))).toBe("ModelInfer");
    expect(rpcOf(MODEL, fresh("generate_stream"))).toBe("ModelStreamInfer");
    expect(rpcOf(decoupled, fresh("generate"))).toBe("ModelStreamInfer");
    expect(rpcOf(decoupled, fresh("generate_stream"))).toBe("ModelStreamInfer");
  });
});

const tensor = (name: string, datatype: string, shape: number[]) => ({ name, datatype, shape });
const bytesOf = (...texts: string[]) =>
  Buffer.concat(
    texts.map((text) => {
      const size = Buffer.alloc(4);
      size.writeUInt32LE(Buffer.byteLength(text));
      return Buffer.concat([size, Buffer.from(text)]);
    }),
  );
const reply = (text: string, more: object = {}) => ({
  modelName: "m",
  modelVersion: "1",
  outputs: [tensor("text_output", "BYTES", [1])],
  rawOutputContents: [bytesOf(text)],
  ...more,
});
const FINAL = { parameters: { triton_final_response: { boolParam: true } } };
const streamed = (...messages: object[]) =>
  Buffer.concat(messages.map((each) => frame(ModelStreamInferResponse.encode(each).finish())));

function answer(path: string, bytes: Buffer, config = MODEL, chunkSize?: number, headers = {}) {
  const stream = openGenerate(vm, config, path);
  stream.sendRequestBody(Buffer.from("{}"));
  const passed = stream.respond([...GRPC_HEADERS], bytes, chunkSize, false);
  const before = Buffer.from(passed).toString();
  const held = stream.action;
  stream.body = held === CONTINUE ? new Uint8Array() : stream.body;
  stream.endResponse([["grpc-status", "0"]]);
  const after = held === CONTINUE ? "" : Buffer.from(stream.body).toString();
  stream.close();
  return {
    ...headers,
    reply: stream.reply,
    text: before + after,
    type: stream.responseHeaders.find(([name]) => name === "content-type")?.[1],
  };
}

describe("one reply", () => {
  it("is an object of its outputs and parameters, lists where there are several elements", () => {
    const message = {
      ...reply('a "quoted" ü'),
      id: "42",
      outputs: [
        tensor("text_output", "BYTES", [1, 1]),
        tensor("scores", "FP32", [2]),
        tensor("none", "INT32", [0]),
        tensor("flag", "BOOL", []),
      ],
      parameters: { seconds: { doubleParam: 0.5 } },
      rawOutputContents: [
        bytesOf('a "quoted" ü'),
        Buffer.from(Float32Array.of(1.5, -2).buffer),
        Buffer.of(),
        Buffer.of(1),
      ],
    };
    for (const chunk of [1, 7, 1000]) {
      const { text, type } = answer(
        "/v2/models/m/generate",
        frame(ModelInferResponse.encode(message).finish()),
        MODEL,
        chunk,
      );
      expect(type).toBe("application/json");
      expect(JSON.parse(text)).toEqual({
        model_name: "m",
        model_version: "1",
        id: "42",
        seconds: 0.5,
        text_output: 'a "quoted" ü',
        scores: [1.5, -2],
        none: [],
        flag: true,
      });
    }
  });

  it("may have no outputs, and no name", () => {
    const empty = frame(ModelInferResponse.encode({}).finish());
    expect(JSON.parse(answer("/v2/models/m/generate", empty).text)).toEqual({});
    const parameter = { parameters: { a: { int64Param: 1 } } };
    const one = frame(ModelInferResponse.encode(parameter).finish());
    expect(JSON.parse(answer("/v2/models/m/generate", one).text)).toEqual({ a: 1 });
  });
});

describe("a stream", () => {
  it("has an event for each reply, and for each error", () => {
    const bytes = streamed(
      { inferResponse: reply("a", FINAL) },
      { inferResponse: reply("b", FINAL) },
      { errorMessage: "no more" },
    );
    for (const chunk of [1, 5, 10_000]) {
      const { text, type } = answer(STREAM, bytes, MODEL, chunk);
      expect(type).toBe("text/event-stream; charset=utf-8");
      expect(text).toBe(
        'data: {"model_name":"m","model_version":"1","text_output":"a"}\n\n' +
          'data: {"model_name":"m","model_version":"1","text_output":"b"}\n\n' +
          'data: {"error":"no more"}\n\n',
      );
    }
  });

  it("of any replies reads as protobufjs writes them, in any chunks", () => {
    const texts = fc.array(fc.string({ unit: "binary" }), { maxLength: 5 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 40 }), (each, chunk) => {
        const bytes = streamed(...each.map((text) => ({ inferResponse: reply(text, FINAL) })));
        const events = answer(STREAM, bytes, MODEL, chunk).text.split("\n\n").slice(0, -1);
        expect(events.map((event) => JSON.parse(event.slice("data: ".length)).text_output)).toEqual(each);
      }),
      { numRuns: 100 },
    );
  });
});

describe("one reply of a decoupled model", () => {
  const DECOUPLED = { ...MODEL, decoupled: true };
  const one = (...messages: object[]) => {
    const path = fresh("generate");
    const results = [1, 9, 10_000].map((chunk) => answer(path, streamed(...messages), DECOUPLED, chunk));
    expect(new Set(results.map(({ text }) => text)).size).toBe(1);
    return results[0] as ReturnType<typeof answer>;
  };
  const MANY = /generate expects model to produce exactly 1 response/;

  it("waits for the end of its stream", () => {
    const { text, type } = one({ inferResponse: reply("all", FINAL) });
    expect(JSON.parse(text)).toEqual({ model_name: "m", model_version: "1", text_output: "all" });
    expect(type).toBe("application/json");
  });

  it("is an error where there are several, or the only one is an error", () => {
    expect(JSON.parse(one({ inferResponse: reply("a") }, { inferResponse: reply("b") }).text).error).toMatch(
      MANY,
    );
    expect(JSON.parse(one({ inferResponse: reply("a") }, { errorMessage: "x" }).text).error).toMatch(MANY);
    expect(JSON.parse(one({ errorMessage: "as asked" }).text)).toEqual({ error: "as asked" });
    expect(JSON.parse(one().text).error).toMatch(MANY);
  });

  it("has a status where the headers may wait, and where nothing came", () => {
    const held = conversionVm({ holdsHeaders: true });
    const status = (...messages: object[]) => {
      const stream = openGenerate(held, DECOUPLED, "/v2/models/m/generate");
      stream.sendRequestBody(Buffer.from("{}"));
      stream.respond([...GRPC_HEADERS], streamed(...messages), 11, false);
      stream.endResponse([["grpc-status", "0"]]);
      stream.close();
      return stream.reply && [stream.reply.status, stream.reply.details];
    };
    expect(status({ errorMessage: "Request for unknown model: 'm'" })).toEqual([404, "model_error_5"]);
    expect(status({ errorMessage: "as asked" })).toEqual([400, "model_error_2"]);
    expect(status({ inferResponse: reply("a") }, { inferResponse: reply("b") })).toEqual([
      500,
      "replies_not_one",
    ]);
    expect(status({ inferResponse: reply("a") })).toBeUndefined();
    expect(status()).toEqual([500, "replies_not_one"]);
  });
});
