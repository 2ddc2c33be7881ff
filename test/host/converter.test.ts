import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileConverter } from "../../tools/local/converter/compile.ts";
import { converterInNode, type LoadedConverter } from "../../tools/local/converter/try.ts";
import { probeModule } from "../support/converter.ts";
import { mutate, Random } from "../support/mutate.ts";

const TENSORS = { floats: [1.5, -0.1], texts: ['é "q"', ""], integers: [-9, 9_007_199_254_740_991] };
const body = (what: string, more: object = TENSORS) => JSON.stringify({ do: what, ...more });

let module: string;
let probe: LoadedConverter;
beforeAll(async () => {
  module = await probeModule("probe");
  probe = converterInNode(module, { maxRequestBytes: 1_000_000, maxResponseBytes: 1_000_000 });
});

describe("before", () => {
  it("makes a ModelInferRequest", () => {
    const { method, message } = probe.before(body("infer"), { "x-note": "a note" });
    expect(method).toBe("/inference.GRPCInferenceService/ModelInfer");
    expect(message).toMatchObject({
      modelName: "echo",
      id: "infer",
      inputs: [
        { name: "floats", datatype: "FP32", shape: [2] },
        { name: "texts", datatype: "BYTES", shape: [2] },
        { name: "integers", datatype: "INT64", shape: [2] },
        { name: "note", datatype: "BYTES", shape: [3] },
      ],
    });
    const raw = message.rawInputContents as Buffer[];
    expect(new Float32Array(Uint8Array.from(raw[0] as Buffer).buffer)).toEqual(Float32Array.of(1.5, -0.1));
    expect(Buffer.from(raw[1] as Buffer).toString()).toBe('\x06\0\0\0é "q"\0\0\0\0');
    expect(Buffer.from(raw[2] as Buffer).readBigInt64LE(8)).toBe(9_007_199_254_740_991n);
    expect(Buffer.from(raw[3] as Buffer).toString()).toBe("\x06\0\0\0a note\x04\0\0\0POST\x01\0\0\0/");
  });

  it("makes a PredictRequest", () => {
    const { method, message } = probe.before(body("predict"));
    expect(method).toBe("/tensorflow.serving.PredictionService/Predict");
    expect(message.modelSpec).toEqual({ name: "echo", version: { value: 3 }, signatureName: "s" });
    const { floats, texts, integers } = message.inputs;
    expect(floats).toMatchObject({ dtype: "DT_FLOAT", tensorShape: { dim: [{ size: 2 }] } });
    expect(Buffer.from(floats.tensorContent).readFloatLE(0)).toBe(1.5);
    expect(texts.stringVal.map(String)).toEqual(TENSORS.texts);
    expect(integers).toMatchObject({ dtype: "DT_INT64" });
  });

  it.each([
    ["no JSON", '{"do"', "the body is not JSON"],
    ["an empty body", " ", "the body is not JSON"],
    ["no object", "[1]", "the body must be an object"],
    ["a missing member", "{}", "do: is required"],
    ["a member of another type", '{"do":3}', "do: must be a string"],
    [
      "an element of another type",
      body("infer", { ...TENSORS, texts: ["a", 1] }),
      "texts[1]: must be a string",
    ],
    [
      "no number among numbers",
      body("infer", { ...TENSORS, floats: [1, [2], "3"] }),
      "floats[2]: must be a number",
    ],
    [
      "a number beyond float32",
      body("infer", { ...TENSORS, floats: [1, 1e39] }),
      "floats[1]: must be a number that float32 can hold",
    ],
    [
      "a number beyond float64",
      body("infer", { ...TENSORS, shape: [7] }).replace("[7]", "[7,1e400]"),
      "shape[1]: must be a number that float64 can hold",
    ],
    [
      "an object among numbers",
      body("infer", { ...TENSORS, floats: [1, {}] }),
      "floats: must be an array of numbers",
    ],
    [
      "a fraction for an integer",
      body("infer", { ...TENSORS, integers: [1, 2.5] }),
      "integers[1]: must be an integer",
    ],
    [
      "rows of different lengths",
      body("infer", { shape: [[1, 2], [3]] }),
      "tensor x: its shape does not fit its 24 bytes",
    ],
    ["an unknown data type", body("unknown"), "tensor x: FP31 is no data type"],
    ["fail", body("fail"), 'no "such" thing'],
    ["null", body("nothing"), "the task's converter takes no such request"],
  ])("%s gets a 400", (_name, text, error) => {
    expect(probe.before(text)).toMatchObject({ status: 400, error });
  });

  it("a body over the limit gets a 413", () => {
    expect(probe.before("x".repeat(1_000_001)).status).toBe(413);
  });

  it("an encoded body gets a 415", () => {
    expect(probe.before(body("infer"), { "content-encoding": "gzip" }).status).toBe(415);
  });

  it("takes bodies in chunks of any size", () => {
    for (const chunk of [1, 7, 1000]) {
      const stream = probe.vm.open({ ":method": "POST", ":path": "/", taskid: "test" });
      const sent = stream.sendRequestBody(Buffer.from(body("infer")), chunk);
      stream.close();
      expect(sent.length).toBeGreaterThan(100);
    }
  });
});

describe("other requests pass", () => {
  it.each([
    ["of another task", { taskid: "other" }],
    ["of a gRPC caller", { taskid: "test", "content-type": "application/grpc" }],
  ])("%s", (_name, headers) => {
    const stream = probe.vm.open({ ":method": "POST", ":path": "/", ...headers });
    expect([stream.action, Buffer.from(stream.sendRequestBody(Buffer.from("abc"))).toString()]).toEqual([
      0,
      "abc",
    ]);
    stream.close();
  });
});

describe("after", () => {
  const reply = (datatype: string, contents: object, shape = [2]) => ({
    outputs: [{ name: "t", datatype, shape, contents }],
  });

  it.each([
    ["FP32", { fp32Contents: [0.1, -2] }, [0.1, -2]],
    ["FP64", { fp64Contents: [0.1, 1e300] }, [0.1, 1e300]],
    ["INT8", { intContents: [-1, 127] }, [-1, 127]],
    ["INT32", { intContents: [-1, 2] }, [-1, 2]],
    ["UINT64", { uint64Contents: [1, 2] }, [1, 2]],
    ["BOOL", { boolContents: [true, false] }, [1, 0]],
    ["BYTES", { bytesContents: [Buffer.from("é"), Buffer.of()] }, ["é", ""]],
  ])("typed contents of %s", (datatype, contents, values) => {
    const { status, body: text } = probe.after(reply(datatype, contents), body("infer"));
    expect([status, JSON.parse(String(text)).t]).toEqual([200, values]);
  });

  it("raw contents of FP16 and BF16", () => {
    const outputs = ["FP16", "BF16"].map((datatype) => ({ name: datatype, datatype, shape: [2] }));
    const rawOutputContents = [Buffer.from("003c66ae", "hex"), Buffer.from("803fcdbd", "hex")];
    const answer = JSON.parse(String(probe.after({ outputs, rawOutputContents }, body("infer")).body));
    expect(answer).toEqual({ FP16: [1, -0.0999755859375], BF16: [1, -0.10009765625] });
  });

  it("a PredictResponse, one value for all of a shape too", () => {
    const dim = [{ size: 3 }];
    const outputs = {
      floats: { dtype: 1, tensorShape: { dim }, floatVal: [1, 2, 3] },
      one: { dtype: 1, tensorShape: { dim }, floatVal: [7] },
      texts: { dtype: 7, tensorShape: { dim: [{ size: 1 }] }, stringVal: [Buffer.from("é")] },
      content: {
        dtype: 9,
        tensorShape: { dim: [{ size: 1 }] },
        tensorContent: Buffer.from("ff00000000000000", "hex"),
      },
    };
    const { body: text } = probe.after({ outputs }, body("predict"));
    expect(JSON.parse(String(text))).toEqual({
      floats: [1, 2, 3],
      one: [7, 7, 7],
      texts: ["é"],
      content: [255],
    });
  });

  it.each([
    ["after-nothing", "the task's converter takes no such reply of the model"],
    ["after-fail", "no such reply"],
    ["after-missing", "the model gave no output none"],
  ])("%s gets a 502", (id, error) => {
    expect(probe.after({ id, outputs: [] }, body(id))).toMatchObject({ status: 502, error });
  });
});

describe("whatever the model sends", () => {
  const good = Buffer.from("000000000f2a0d0a01741204465033321a020202", "hex");

  function respond(bytes: Uint8Array, trailers: [string, string][] = [["grpc-status", "0"]]) {
    const stream = probe.vm.open({ ":method": "POST", ":path": "/", taskid: "test" });
    stream.sendRequestBody(Buffer.from(body("infer")));
    stream.respond([["content-type", "application/grpc"]], bytes, undefined, false);
    if (!stream.reply) stream.endResponse(trailers);
    stream.close();
    return stream.reply;
  }

  it.each([
    ["half a header", good.subarray(0, 3), /too early/],
    ["half a message", good.subarray(0, 12), /too early/],
    ["two messages", Buffer.concat([good, good]), /more than one/],
    ["a compressed message", Buffer.concat([Buffer.of(1), good.subarray(1)]), /compressed/],
    ["no protobuf", Buffer.from("0000000002ffff", "hex"), /malformed/],
    ["too much", Buffer.alloc(1_000_001), /over the limit/],
  ])("%s gets a 502", (_name, bytes, error) => {
    const reply = respond(bytes);
    expect(reply?.status).toBe(502);
    expect(reply?.body).toMatch(error);
  });

  it.each(["<html>", ""])("a success that is no gRPC gets a 502: '%s'", (text) => {
    const stream = probe.vm.open({ ":method": "POST", ":path": "/", taskid: "test" });
    stream.sendRequestBody(Buffer.from(body("infer")));
    stream.respond(
      [
        [":status", "200"],
        ["content-type", "text/html"],
      ],
      Buffer.from(text),
    );
    stream.close();
    expect(stream.reply).toMatchObject({ status: 502, details: "model_reply_malformed" });
  });

  it("its own error keeps its meaning", () => {
    const reply = respond(Buffer.of(), [
      ["grpc-status", "5"],
      ["grpc-message", "no %22model%22"],
    ]);
    expect([reply?.status, JSON.parse(String(reply?.body)).error]).toEqual([404, 'no "model"']);
  });

  it("never traps", () => {
    const random = new Random(7);
    for (let i = 0; i < 1000; i++) {
      respond(Buffer.from(mutate(good.toString("latin1"), random), "latin1"));
      probe.before(mutate(body(random.pick(["infer", "predict"])), random));
    }
  });
});

it("memory is flat over 4,000 exchanges, some with a megabyte of garbage", () => {
  const vm = converterInNode(module);
  const run = (count: number) => {
    for (let i = 0; i < count; i++) {
      vm.before(body(i % 100 === 0 ? "garbage" : "infer"));
      vm.after(
        { outputs: [{ name: "t", datatype: "FP32", shape: [1], contents: { fp32Contents: [1] } }] },
        body("infer"),
      );
    }
    vm.vm.calls.length = 0;
    return vm.vm.memoryBytes;
  };
  const before = run(200);
  expect(run(4000)).toBe(before);
});

it("a folder without a converter is named", async () => {
  const folder = fileURLToPath(new URL("test/wasm/", PROJECT_ROOT));
  await expect(compileConverter(folder)).rejects.toThrow(/modelgate new converter/);
});
