import { beforeEach, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { conversionVm, frame, ModelInferResponse, respond } from "../support/conversion.ts";

/** Replies with binary data: the length of their JSON is announced before a byte of the model's reply is there. */

let vm: Vm;
beforeEach(() => {
  vm = conversionVm();
});

interface Output {
  name: string;
  datatype: string;
  shape: number[];
  raw: Buffer;
}

const CHUNKS = [7, 100_000];

function reply(outputs: Output[], id = ""): Buffer {
  const message = {
    modelName: "m",
    id,
    outputs: outputs.map(({ raw: _, ...output }) => output),
    rawOutputContents: outputs.map(({ raw }) => raw),
  };
  return frame(ModelInferResponse.encode(ModelInferResponse.fromObject(message)).finish());
}

/** Names, JSON data, and the bytes behind the JSON, as a client reads them. */
function read(bytes: Buffer, request: object, chunkSize = 100_000) {
  const { body, error, headers } = respond(vm, bytes, chunkSize, JSON.stringify({ inputs: [], ...request }));
  expect(error).toBeUndefined();
  const length = Number(headers["inference-header-content-length"]);
  const json = JSON.parse(body.toString("utf8", 0, length));
  let at = length;
  const outputs = json.outputs.map(
    ({
      name,
      data,
      parameters,
    }: {
      name: string;
      data?: unknown[];
      parameters?: { binary_data_size: number };
    }) => {
      const size = parameters?.binary_data_size ?? 0;
      at += size;
      return [name, data ?? body.toString("hex", at - size, at)];
    },
  );
  expect(at).toBe(body.length);
  return { outputs, length, id: json.id };
}

const float = (name: string, value: number): Output => ({
  name,
  datatype: "FP32",
  shape: [1],
  raw: Buffer.from(Float32Array.of(value).buffer),
});
const ALL_BINARY = { parameters: { binary_data_output: true } };

describe("all outputs as binary data", () => {
  const many = Array.from({ length: 200 }, (_, i) => float(`a_rather_long_name_of_an_output_${i}`, i));

  it("of a model with many, which the request does not name", () => {
    for (const chunkSize of CHUNKS) {
      const { outputs } = read(reply(many), ALL_BINARY, chunkSize);
      expect(outputs).toEqual(many.map(({ name, raw }) => [name, raw.toString("hex")]));
    }
  });

  it("with a long id", () => {
    const id = `${"i".repeat(60_000)}"\u0001`;
    expect(read(reply([float("y", 1)], id), { ...ALL_BINARY, id }).id).toBe(id);
  });

  it("with long names", () => {
    const name = "n".repeat(50_000);
    const outputs = [{ name, parameters: { binary_data: true } }];
    expect(read(reply([float(name, 1)]), { outputs }).outputs).toEqual([[name, "0000803f"]]);
  });

  it("takes little room once the model is known", () => {
    const first = read(reply([float("y", 1)]), ALL_BINARY).length;
    const second = read(reply([float("y", 1)]), ALL_BINARY).length;
    expect(first).toBeGreaterThan(60_000);
    expect(second).toBeLessThan(1000);
  });
});

describe("some outputs as binary data", () => {
  const text: Output = {
    name: "text",
    datatype: "BYTES",
    shape: [1],
    raw: Buffer.from([2, 0, 0, 0, 0xff, 0xfe]),
  };
  const asked = (binary: Record<string, boolean | undefined>, byDefault?: boolean) => ({
    ...(byDefault !== undefined && { parameters: { binary_data_output: byDefault } }),
    outputs: Object.entries(binary).map(([name, binary_data]) => ({
      name,
      ...(binary_data !== undefined && { parameters: { binary_data } }),
    })),
  });
  const bytes = reply([text, float("y", 0.5)]);

  it.each([
    ["one asked for, one not", asked({ text: true, y: false })],
    ["one asked for, one unsaid", asked({ text: true, y: undefined })],
    ["one by default, one not", asked({ text: undefined, y: false }, true)],
  ])("%s", (_, request) => {
    for (const chunkSize of CHUNKS)
      expect(read(bytes, request, chunkSize).outputs).toEqual([
        ["text", "02000000fffe"],
        ["y", [0.5]],
      ]);
  });

  it("whichever comes first", () => {
    expect(read(reply([float("y", 0.5), text]), asked({ y: false, text: true })).outputs).toEqual([
      ["y", [0.5]],
      ["text", "02000000fffe"],
    ]);
  });

  it("and one that is too long for the JSON comes as binary data", () => {
    const long = {
      ...float("y", 0),
      shape: [30_000],
      raw: Buffer.from(new Float32Array(30_000).fill(0.1).buffer),
    };
    const { outputs } = read(reply([text, long]), asked({ text: true, y: false }));
    expect(outputs).toEqual([
      ["text", "02000000fffe"],
      ["y", long.raw.toString("hex")],
    ]);
  });

  it("of typed contents too", () => {
    const message = ModelInferResponse.fromObject({
      modelName: "m",
      outputs: [
        { name: "a", datatype: "FP32", shape: [2], contents: { fp32Contents: [1, 2] } },
        { name: "b", datatype: "INT32", shape: [2], contents: { intContents: [3, -4] } },
      ],
    });
    const { outputs } = read(
      frame(ModelInferResponse.encode(message).finish()),
      asked({ a: false, b: true }),
    );
    expect(outputs).toEqual([
      ["a", [1, 2]],
      ["b", "03000000fcffffff"],
    ]);
  });
});
