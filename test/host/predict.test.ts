import fc from "fast-check";
import protobuf from "protobufjs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { conversionVm, frame, GRPC_HEADERS, open } from "../support/conversion.ts";

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`proto/${target.split("/").pop()}`, PROJECT_ROOT).pathname;
root.loadSync("tensorflow_serving.proto");
const PredictRequest = root.lookupType("tensorflow.serving.PredictRequest");
const PredictResponse = root.lookupType("tensorflow.serving.PredictResponse");

let vm: Vm;
beforeAll(() => {
  const one = (name: string, dtype: string) => ({ name, inputs: [{ name: "x", dtype }] });
  vm = conversionVm({
    tasks: [
      {
        taskid: "1",
        signatures: [
          one("serving_default", "DT_FLOAT"),
          one("text", "DT_STRING"),
          one("bool", "DT_BOOL"),
          one("long", "DT_INT64"),
          {
            name: "two",
            inputs: [
              { name: "a", dtype: "DT_INT32" },
              { name: "b_bytes", dtype: "DT_STRING" },
            ],
          },
        ],
      },
      { taskid: "2" },
    ],
  });
});

const CHUNKS = [1, 3, 8, 1000];
const PATH = "/v1/models/m:predict";

interface Tensor {
  dtype: string;
  tensorShape: { dim: { size: number }[] };
  tensorContent: Buffer;
  stringVal: Buffer[];
}

interface Predicted {
  modelSpec?: object;
  inputs: Record<string, Tensor>;
  error?: string;
}

function predict(json: string, chunkSize = json.length, path = PATH): Predicted {
  const stream = open(vm, path);
  const bytes = stream.reply
    ? Buffer.of()
    : Buffer.from(stream.sendRequestBody(Buffer.from(json), chunkSize));
  stream.close();
  if (stream.reply) return { error: JSON.parse(stream.reply.body).error, inputs: {} };
  expect(bytes.readUInt32BE(1)).toBe(bytes.length - 5);
  const options = { longs: Number, enums: String, arrays: true, defaults: true };
  const message = PredictRequest.toObject(PredictRequest.decode(bytes.subarray(5)), options);
  return message as Predicted;
}

const shapeOf = (tensor: Tensor) => tensor.tensorShape.dim.map(({ size }) => size);
const floats = (tensor: Tensor) => [...new Float32Array(Uint8Array.from(tensor.tensorContent).buffer)];

describe("requests", () => {
  it.each([
    ["rows of scalars", '{"instances":[1.5,-2]}', [2], [1.5, -2]],
    ["rows of lists", '{"instances":[[[1],[2]],[[3],[4.5]]]}', [2, 2, 1], [1, 2, 3, 4.5]],
    ["named rows", '{"instances": [ {"x": [1, 2]}, {"x": [3, 4]} ]}', [2, 2], [1, 2, 3, 4]],
    ["named rows of scalars", '{"instances":[{"x":1},{"x":2}]}', [2], [1, 2]],
    ["a column", '{"inputs":[[1,2,3]]}', [1, 3], [1, 2, 3]],
    ["a named column", '{"inputs":{"x":[1,2]}}', [2], [1, 2]],
    ["a scalar column", '{"inputs":7}', [], [7]],
    ["a named scalar column", '{"inputs":{"x":7}}', [], [7]],
    ["other members", '{"x":{"y":[1]},"instances":[1],"z":null}', [1], [1]],
  ])("%s", (_name, json, shape, values) => {
    for (const chunkSize of CHUNKS) {
      const { inputs, error } = predict(json, chunkSize);
      expect(error).toBeUndefined();
      const x = inputs?.x as Tensor;
      expect([x.dtype, shapeOf(x), floats(x)]).toEqual(["DT_FLOAT", shape, values]);
    }
  });

  it.each([
    ["strings", '"instances":["a","é\\n"]', [2], ["a", "é\n"]],
    ["base64", '"instances":[{"b64":"aGk="},{"b64":"AP8"}]', [2], ["hi", "\x00\ufffd"]],
    ["named base64", '"instances":[{"x":{"b64":"aGk="}},{"x":"b"}]', [2], ["hi", "b"]],
    ["nested base64", '"instances":[[{"b64":"aGk="},"b"]]', [1, 2], ["hi", "b"]],
    ["a base64 column", '"inputs":{"b64":"aGk="}', [], ["hi"]],
    [
      "a named base64 column",
      '"inputs":{"x":[{"b64":"a\\/8="}]}',
      [1],
      [Buffer.from("a/8=", "base64").toString()],
    ],
    [
      "long base64",
      `"instances":[{"b64":"${Buffer.alloc(150_000, "x").toString("base64")}"}]`,
      [1],
      ["x".repeat(150_000)],
    ],
  ])("%s", (_name, members, shape, values) => {
    for (const chunkSize of members.length > 1000 ? [1000, 70_000] : CHUNKS) {
      const { inputs, error } = predict(`{"signature_name":"text",${members}}`, chunkSize);
      expect(error).toBeUndefined();
      const x = inputs?.x as Tensor;
      expect(shapeOf(x)).toEqual(shape);
      expect(x.stringVal.map(String)).toEqual(values);
    }
  });

  it("of rows are not taken for base64 because one before them broke off within base64", () => {
    const broken = '{"signature_name":"text","instances":[{"b64":"aGk="';
    expect(predict(`${broken}?`).error).toContain("malformed JSON");
    const { inputs, error } = predict('{"signature_name":"text","instances":[{"x":"a"},{"x":"b"}]}');
    expect([error, inputs.x?.stringVal.map(String)]).toEqual([undefined, ["a", "b"]]);
  });

  it.each(CHUNKS)("of several inputs, in chunks of %d bytes", (chunkSize) => {
    for (const data of [
      '"instances":[{"a":[1,2],"b_bytes":"x"},{"b_bytes":{"b64":"eQ=="},"a":[3,4]}]',
      '"inputs":{"a":[[1,2],[3,4]],"b_bytes":["x","y"]}',
    ]) {
      const { inputs, error } = predict(`{"signature_name":"two",${data}}`, chunkSize);
      expect(error).toBeUndefined();
      const { a, b_bytes: b } = inputs as Record<string, Tensor>;
      expect([
        shapeOf(a as Tensor),
        [...new Int32Array(Uint8Array.from((a as Tensor).tensorContent).buffer)],
      ]).toEqual([
        [2, 2],
        [1, 2, 3, 4],
      ]);
      expect([shapeOf(b as Tensor), (b as Tensor).stringVal.map(String)]).toEqual([[2], ["x", "y"]]);
    }
  });

  it.each(CHUNKS)("that name their signature at the end, in chunks of %d bytes", (chunkSize) => {
    for (const [data, shape] of [
      ['"instances":[{"a":[1,2],"b_bytes":"x"},{"b_bytes":{"b64":"eQ=="},"a":[3,4]}]', [2, 2]],
      ['"inputs":{"a":[[[1,2],[3,4]]],"b_bytes":["x","y]"]}', [1, 2, 2]],
    ] as const) {
      const { inputs, modelSpec, error } = predict(`{${data},"signature_name":"two"}`, chunkSize);
      expect(error).toBeUndefined();
      expect(modelSpec).toMatchObject({ signatureName: "two" });
      expect(shapeOf(inputs.a as Tensor)).toEqual(shape);
      expect(inputs.b_bytes?.stringVal.map(String)[0]).toBe("x");
    }
  });

  it.each([
    ["text", '"a]}\\" ,é"', ['a]}" ,é']],
    ["text", '""', [""]],
    ["text", '{"b64":"aGk="}', ["hi"]],
    ["long", "-12345678901", "cbe32320fdffffff"],
    ["bool", "true", "01"],
    ["serving_default", "0.5", "0000003f"],
  ])("of signature %s may have the one value %s before its name", (signature, value, wanted) => {
    for (const chunkSize of CHUNKS) {
      for (const space of ["", " \n"]) {
        const json = `{"inputs": ${value}${space},"signature_name":"${signature}"}`;
        const { inputs, error, modelSpec } = predict(json, chunkSize);
        expect(error).toBeUndefined();
        expect(modelSpec).toMatchObject({ signatureName: signature });
        const { stringVal, tensorContent } = inputs.x as Tensor;
        expect(shapeOf(inputs.x as Tensor)).toEqual([]);
        const strings = stringVal.map(String);
        expect(strings.length > 0 ? strings : Buffer.from(tensorContent).toString("hex")).toEqual(wanted);
      }
    }
  });

  describe("with NaN and infinities", () => {
    const one = (dtype: string) => [{ taskid: "1", signatures: [{ inputs: [{ name: "x", dtype }] }] }];
    const sent = (nonFinite: string, dtype: string, json: string, chunkSize: number) => {
      const own = conversionVm({ tasks: one(dtype), nonFinite });
      const stream = open(own, PATH);
      const bytes = Buffer.from(stream.sendRequestBody(Buffer.from(json), chunkSize));
      stream.close();
      if (stream.reply) return JSON.parse(stream.reply.body).error as string;
      const { x } = (PredictRequest.decode(bytes.subarray(5)) as unknown as Predicted).inputs;
      return Buffer.from(x?.tensorContent as Buffer).toString("hex");
    };
    const FLOATS = "0000c07f 0000807f 000080ff 0000803f 0000807f 000080ff 0000c07f 000080ff".replaceAll(
      " ",
      "",
    );

    it.each([
      ["token", '{"instances":[NaN,Infinity, -Infinity,1,Inf,-Inf ,-NaN,-Infinity]}'],
      [
        "token",
        '{"instances":[{"x":NaN},{"x":Infinity},{"x":-Infinity},{"x":1},{"x":Inf},{"x":-Inf},{"x":NaN},{"x":-Inf}]}',
      ],
      ["string", '{"instances":["NaN","Infinity","-Infinity",1,"Infinity","-Infinity","NaN","-Infinity"]}'],
      [
        "string",
        '{"instances":[{"x":"NaN"},{"x":"Infinity"},{"x":"-Infinity"},{"x":1},{"x":"Infinity"},{"x":"-Infinity"},{"x":"NaN"},{"x":"-Infinity"}]}',
      ],
    ])("are taken as nonFinite: %s says", (nonFinite, json) => {
      for (const chunkSize of CHUNKS) expect(sent(nonFinite, "DT_FLOAT", json, chunkSize)).toBe(FLOATS);
    });

    it("of any bytes never trap, and read the same in chunks of any size", () => {
      const own = conversionVm({ tasks: one("DT_FLOAT"), nonFinite: "token" });
      const good = Buffer.from('{"instances":[[NaN,-Infinity,1.5],[Inf,-NaN,Infinity]],"x":-Inf}');
      const edit = fc.tuple(fc.nat(good.length - 1), fc.constantFrom(...Buffer.from('NaIinfty-,[]{}" 1')));
      const outcome = (bytes: Buffer, chunkSize: number) => {
        const stream = open(own, PATH);
        const sent = Buffer.from(stream.sendRequestBody(bytes, chunkSize)).toString("hex");
        stream.close();
        return stream.reply ? "refused" : sent;
      };
      fc.assert(
        fc.property(
          fc.array(edit, { minLength: 0, maxLength: 3 }),
          fc.integer({ min: 1, max: 40 }),
          (edits, chunkSize) => {
            const bytes = Buffer.from(good);
            for (const [at, value] of edits) bytes[at] = value;
            expect(outcome(bytes, chunkSize)).toBe(outcome(bytes, bytes.length));
          },
        ),
        { numRuns: 3000 },
      );
    });

    it.each([
      ["DT_DOUBLE", "000000000000f87f000000000000f0ff"],
      ["DT_HALF", "007e00fc"],
      ["DT_BFLOAT16", "c07f80ff"],
    ])("of %s are", (dtype, hex) => {
      expect(sent("token", dtype, '{"inputs":[NaN,-Infinity]}', 7)).toBe(hex);
    });

    it.each([
      ["null", "DT_FLOAT", '{"instances":[NaN]}', "data must be numbers"],
      ["null", "DT_FLOAT", '{"instances":["NaN"]}', "data must be numbers"],
      ["string", "DT_FLOAT", '{"instances":[NaN]}', "data must be numbers"],
      ["string", "DT_FLOAT", '{"instances":["-NaN"]}', "data must be numbers"],
      ["token", "DT_FLOAT", '{"instances":[Infinit]}', "data must be numbers"],
      ["token", "DT_FLOAT", '{"instances":[NaNs]}', "malformed JSON"],
      ["token", "DT_FLOAT", '{"instances":[nan]}', "data must be numbers"],
      ["token", "DT_INT32", '{"instances":[NaN]}', "data must be numbers"],
      ["token", "DT_INT32", '{"instances":[{"x":NaN}]}', "does not fit the type"],
      ["token", "DT_FLOAT", '{"instances":[{"x":Infinite}]}', "malformed JSON"],
      ["token", "DT_FLOAT", '{"signature_name":NaN,"instances":[1]}', "wrong type"],
      ["token", "DT_FLOAT", '{"other":-Infinity,"instances":[1]}', "0000803f"],
    ])("%s, %s: %s", (nonFinite, dtype, json, said) => {
      for (const chunkSize of CHUNKS) expect(sent(nonFinite, dtype, json, chunkSize)).toContain(said);
    });
  });

  it.each([
    ["/v1/models/m:predict", { name: "m" }],
    ["/v1/models/m%20n/versions/12:predict", { name: "m n", version: { value: 12 } }],
    ["/v1/models/m/labels/stable:predict", { name: "m", versionLabel: "stable" }],
  ])("to %s name the model", (path, spec) => {
    expect(predict('{"instances":[1]}', 5, path)).toMatchObject({
      modelSpec: { ...spec, signatureName: "serving_default" },
    });
  });

  const two = (data: string) => `{"signature_name":"two",${data}}`;
  it.each([
    ["{}", "instances or inputs is required"],
    ['{"instances":[]}', "instances must not be empty"],
    ['{"instances":{}}', "wrong type"],
    ['{"instances":1}', "wrong type"],
    ['{"instances":[1],"inputs":[1]}', "not both"],
    ['{"instances":[1,"a"]}', "data must be numbers at byte 16 (instances[1])"],
    ['{"instances":[[1],[2,3]]}', "nested lists must be of equal length"],
    ['{"instances":[[1],2]}', "nested lists must be of equal length"],
    ['{"instances":[1,[2]]}', "nested lists must be of equal length"],
    ['{"instances":[{"x":[1]},{"x":[1,2]}]}', "nested lists must be of equal length"],
    ['{"instances":[{"y":1}]}', "no input of that name at byte 15 (instances[0].y)"],
    ['{"instances":[{"x":1},{}]}', "each input of the signature is required"],
    ['{"instances":[{"x":1,"x":2}]}', "occurs twice"],
    ['{"instances":[{"x":1},2]}', "all objects or none"],
    ['{"instances":[1,{"x":2}]}', "all objects or none"],
    ['{"instances":[{"x":null}]}', "does not fit the type"],
    ['{"instances":[{"x":1e99}]}', "does not fit the type"],
    ['{"instances":[{"x":NaN}]}', "malformed JSON at byte 19 (instances[0].x)"],
    ['{"instances":[{"b64":"aGk="}]}', "does not fit the type"],
    ['{"signature_name":"none","instances":[1]}', "no such signature"],
    ['{"instances":[1],"signature_name":"text"}', "the signature says strings at byte 14 (instances[0])"],
    [
      '{"inputs":1,"signature_name":"text"}',
      "does not fit the type that the signature says at byte 10 (inputs)",
    ],
    [
      '{"inputs":"a","signature_name":"long"}',
      "does not fit the type that the signature says at byte 10 (inputs)",
    ],
    ['{"instances":1,"signature_name":"text"}', "wrong type"],
    ['{"inputs":truth,"signature_name":"bool"}', "malformed JSON at byte 10 (inputs)"],
    ['{"inputs":@,"signature_name":"bool"}', "malformed JSON at byte 10"],
    ['{"inputs":5,"inputs":5,"signature_name":"bool"}', "not both"],
    ['{"inputs":[1],"instances":[1]}', "not both"],
    ['{"inputs":1,"instances":[1]}', "not both"],
    ['{"instances":[1],"inputs":1}', "not both"],
    [
      '{"instances":[1,"a"],"signature_name":"serving_default"}',
      "data must be numbers at byte 16 (instances[1])",
    ],
    ['{"instances":[1],"signature_name":"serving_default","signature_name":"text"}', "occurs twice"],
    ['{"instances":[1],"signature_name":"serving_default"}', undefined],
    ['{"signature_name":"text","instances":[{"b64":"a"}]}', "b64 must be base64"],
    ['{"signature_name":"text","instances":[{"b64":"a*=="}]}', "b64 must be base64"],
    ['{"signature_name":"text","instances":[{"b64":1}]}', "wrong type"],
    ['{"signature_name":"text","instances":[{"x":["a",{}]}]}', "b64 must be base64"],
    ['{"signature_name":"text","instances":[["a",{"b64":"aGk=","b64":"aGk="}]]}', "b64 must be base64"],
    ['{"signature_name":"text","instances":[{"b64":"aGk=","b64":"aGk="}]}', "occurs twice"],
    ['{"signature_name":"text","inputs":{"b64":"aGk=","b64":"aGk="}}', "occurs twice"],
    ['{"signature_name":"text","inputs":{"x":"a","b64":"aGk="}}', "occurs twice"],
    ['{"instances":[[1,{}]]}', "b64 must be base64"],
    ['{"instances":[{}]}', "each input of the signature is required"],
    ['{"signature_name":"text","instances":[1]}', "the signature says strings"],
    ['{"signature_name":"bool","instances":[true,1]}', "data must be true or false"],
    ['{"signature_name":"long","instances":[1.5]}', "data must be integers"],
    [two('"instances":[1]'), "must be named"],
    [two('"inputs":[1]'), "must be named"],
    [two('"inputs":{"a":[1]}'), "each input of the signature is required"],
  ])("%s", (json, error) => {
    for (const chunkSize of [2, json.length]) {
      const result = predict(json, chunkSize);
      if (error === undefined) expect(result.error).toBeUndefined();
      else expect(result.error).toContain(error);
    }
  });

  describe("that are a raw tensor", () => {
    const raw = { name: "x", datatype: "FP32", shape: [-1, 2, 2] };
    const sendRaw = (
      task: object,
      bytes: Buffer,
      chunkSize: number,
      headers: Record<string, string> = {},
    ) => {
      const own = conversionVm({ tasks: [{ taskid: "1", ...task }] });
      const length = { "content-type": "application/octet-stream", "content-length": `${bytes.length}` };
      const stream = open(own, PATH, { ...length, ...headers });
      const sent = stream.reply ? Buffer.of() : Buffer.from(stream.sendRequestBody(bytes, chunkSize));
      stream.close();
      if (stream.reply) return { error: stream.reply.details };
      expect(sent.readUInt32BE(1)).toBe(sent.length - 5);
      const options = { longs: Number, enums: String, arrays: true };
      return PredictRequest.toObject(PredictRequest.decode(sent.subarray(5)), options) as Predicted;
    };
    const values = Float32Array.from({ length: 40_000 }, (_, i) => i / 3);
    const body = Buffer.from(values.buffer);

    it.each([7, 1000, 200_000])(
      "have the type and shape of the template, in chunks of %d bytes",
      (chunkSize) => {
        const { inputs } = sendRaw({ raw }, body, chunkSize) as Predicted;
        expect([inputs.x?.dtype, shapeOf(inputs.x as Tensor)]).toEqual(["DT_FLOAT", [10_000, 2, 2]]);
        expect(Buffer.from(inputs.x?.tensorContent as Buffer).equals(body)).toBe(true);
      },
    );

    it("have what headers say, and the default signature", () => {
      const headers = { "x-tensor-name": "y", "x-tensor-datatype": "INT64", "x-tensor-shape": "20000" };
      const signatures = [{ name: "first", inputs: [{ name: "x", dtype: "DT_FLOAT" }] }];
      const { inputs, modelSpec } = sendRaw({ raw, signatures }, body, 1000, headers) as Predicted;
      expect(modelSpec).toEqual({ name: "m", signatureName: "first" });
      expect([inputs.y?.dtype, shapeOf(inputs.y as Tensor)]).toEqual(["DT_INT64", [20_000]]);
    });

    it.each([
      ["without template and headers", {}, {}, 16],
      ["of a size that no batch has", { raw }, {}, 20],
      ["of texts", { raw }, { "x-tensor-datatype": "BYTES" }, 16],
      ["of an unknown type", { raw }, { "x-tensor-datatype": "FP31" }, 16],
      ["of another size than the shape", { raw }, { "x-tensor-shape": "2,1" }, 16],
    ])("%s are refused", (_name, task, headers, size) => {
      expect(sendRaw(task, Buffer.alloc(size), 100, headers)).toEqual({ error: "raw_tensor" });
    });

    const texts = (...values: string[]) =>
      Buffer.concat(
        values.flatMap((value) => [Buffer.from(Uint32Array.of(value.length).buffer), Buffer.from(value)]),
      );
    it.each([1, 3, 1000, 200_000])("of BYTES become strings, in chunks of %d bytes", (chunkSize) => {
      const values = ["a", "", "x".repeat(chunkSize === 1 ? 300 : 100_000), "end"];
      const signatures = [{ name: "first", inputs: [{ name: "x", dtype: "DT_STRING" }] }];
      const template = { name: "image_bytes", datatype: "BYTES", shape: [2, 2] };
      const predicted = sendRaw({ raw: template, signatures }, texts(...values), chunkSize) as Predicted;
      expect(predicted.modelSpec).toEqual({ name: "m", signatureName: "first" });
      const tensor = predicted.inputs.image_bytes as Tensor;
      expect([tensor.dtype, shapeOf(tensor)]).toEqual(["DT_STRING", [2, 2]]);
      expect(tensor.stringVal.map(String)).toEqual(values);
    });

    it.each([
      ["half an element", texts("abc").subarray(0, 6), "an element is longer than the rest of the body"],
      ["half a length", Buffer.concat([texts("abc"), Buffer.of(1, 0)]), "the body ends within an element"],
      ["too few elements", texts("abc"), "as many elements as the shape"],
      ["too many elements", texts("a", "b", "c"), "as many elements as the shape"],
      ["a huge length", Buffer.of(0xff, 0xff, 0xff, 0xff, 1), "an element is longer"],
    ])("of BYTES with %s are refused", (_name, bytes, said) => {
      const own = conversionVm({
        tasks: [{ taskid: "1", raw: { name: "x", datatype: "BYTES", shape: [2] } }],
      });
      for (const chunkSize of [1, 1000]) {
        const stream = open(own, PATH, {
          "content-type": "application/octet-stream",
          "content-length": `${bytes.length}`,
        });
        stream.sendRequestBody(bytes, chunkSize);
        stream.close();
        expect(JSON.parse(stream.reply?.body as string)).toMatchObject({
          error: expect.stringContaining(said),
          reason: "raw_tensor",
        });
      }
    });

    it.each([
      [{ ...raw, shape: [-1, -1] }, "raw.shape: must be a list of sizes"],
      [{ ...raw, datatype: "DT_FLOAT" }, "raw.datatype: must be a data type"],
      [{ ...raw, sizes: [] }, "raw.sizes: unknown field"],
    ])("want a template that is one", (template, error) => {
      expect(() => sendRaw({ raw: template }, body, 100)).toThrow(error);
    });
  });

  it("of a task without signatures are refused", () => {
    const { reply } = vm.open({ ":method": "POST", ":path": PATH, taskid: "2" });
    expect([reply?.status, reply?.details]).toEqual([404, "signatures_missing"]);
  });

  it("of any bytes never trap, and are taken only if JSON.parse takes them", () => {
    const goods = [
      two('"instances":[{"a":[1,2],"b_bytes":"x"},{"b_bytes":{"b64":"eQ=="},"a":[3,4]}]'),
      '{"instances":[[1.5,2],[3,4e1]]}',
      '{"signature_name":"text","inputs":{"x":[["a","b"],[{"b64":"aGk="},"c"]]}}',
      '{"instances":[["a","b"],[{"b64":"aGk="},"c"]],"signature_name":"text"}',
      '{"inputs":"text, \\"","signature_name":"text"}',
    ].map((text) => Buffer.from(text));
    const edit = fc.tuple(
      fc.nat(200),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"[]{},:\\0-.etf '))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...goods),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 100 }),
        (good, edits, chunkSize) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at % bytes.length] = value;
          const stream = open(vm, PATH);
          stream.sendRequestBody(bytes, chunkSize);
          stream.close();
          if (!stream.reply) JSON.parse(bytes.toString());
        },
      ),
      { numRuns: 15_000 },
    );
  });
});

describe("replies", () => {
  const dims = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) });
  const encode = (outputs: object) =>
    frame(PredictResponse.encode(PredictResponse.fromObject({ outputs, modelSpec: { name: "m" } })).finish());

  function respond(outputs: object | Buffer, request: string, chunkSize?: number) {
    const stream = open(vm, PATH);
    stream.sendRequestBody(Buffer.from(request));
    const bytes = Buffer.isBuffer(outputs) ? outputs : encode(outputs);
    const body = Buffer.from(stream.respond([...GRPC_HEADERS], bytes, chunkSize)).toString();
    stream.close();
    return stream.reply ? { error: stream.reply.details } : { json: JSON.parse(body), text: body };
  }
  const ROWS = '{"instances":[1]}';
  const COLUMNS = '{"inputs":[1]}';

  it.each([
    ["float_val", { dtype: "DT_FLOAT", tensorShape: dims(2, 1), floatVal: [0.1, 3] }, "[[0.1],[3.0]]"],
    ["double_val", { dtype: "DT_DOUBLE", tensorShape: dims(2), doubleVal: [0.1, 1e300] }, "[0.1,1e+300]"],
    ["int_val", { dtype: "DT_INT8", tensorShape: dims(2), intVal: [-1, 5] }, "[-1,5]"],
    [
      "int64_val",
      { dtype: "DT_INT64", tensorShape: dims(1), int64Val: ["-9007199254740993"] },
      "[-9007199254740993]",
    ],
    ["bool_val", { dtype: "DT_BOOL", tensorShape: dims(2), boolVal: [true, false] }, "[true,false]"],
    [
      "string_val",
      { dtype: "DT_STRING", tensorShape: dims(2), stringVal: [Buffer.from("é"), Buffer.from('"')] },
      '["é","\\""]',
    ],
    [
      "uint64_val",
      { dtype: "DT_UINT64", tensorShape: dims(1), uint64Val: ["18446744073709551615"] },
      "[18446744073709551615]",
    ],
    ["half_val", { dtype: "DT_HALF", tensorShape: dims(1), halfVal: [0x3c00] }, "[1.0]"],
    [
      "tensor_content",
      {
        dtype: "DT_INT32",
        tensorShape: dims(1, 2),
        tensorContent: Buffer.of(1, 0, 0, 0, 255, 255, 255, 255),
      },
      "[[1,-1]]",
    ],
    ["a scalar", { dtype: "DT_FLOAT", tensorShape: dims(), floatVal: [2] }, "2.0"],
    ["no elements", { dtype: "DT_FLOAT", tensorShape: dims(2, 0) }, "[[],[]]"],
    [
      "an empty content beside",
      { dtype: "DT_STRING", tensorShape: dims(1), tensorContent: Buffer.of(), stringVal: [Buffer.of()] },
      '[""]',
    ],
    ["one element for all", { dtype: "DT_INT32", tensorShape: dims(2, 2), intVal: [7] }, "[[7,7],[7,7]]"],
  ])("%s", (_name, y, json) => {
    for (const chunkSize of CHUNKS) {
      expect(respond({ y }, ROWS, chunkSize)).toMatchObject({ text: `{"predictions":${json}}` });
      expect(respond({ y }, COLUMNS, chunkSize)).toMatchObject({ text: `{"outputs":${json}}` });
    }
  });

  const several = {
    a: { dtype: "DT_INT32", tensorShape: dims(2, 2), intVal: [1, 2, 3, 4] },
    b_bytes: {
      dtype: "DT_STRING",
      tensorShape: dims(2),
      stringVal: [Buffer.from("hi"), Buffer.of(0, 255, 1)],
    },
  };
  it("of several outputs", () => {
    const [first, second] = [{ b64: "aGk=" }, { b64: "AP8B" }];
    for (const chunkSize of CHUNKS) {
      expect(respond(several, ROWS, chunkSize).json).toEqual({
        predictions: [
          { a: [1, 2], b_bytes: first },
          { a: [3, 4], b_bytes: second },
        ],
      });
      expect(respond(several, COLUMNS, chunkSize).json).toEqual({
        outputs: {
          a: [
            [1, 2],
            [3, 4],
          ],
          b_bytes: [first, second],
        },
      });
    }
  });

  it.each([
    ["null", "[null,null,null,9e+06,0.333333343]"],
    ["string", '["NaN","Infinity","-Infinity",9e+06,0.333333343]'],
    ["token", "[NaN,Infinity,-Infinity,9e+06,0.333333343]"],
    ["error", undefined],
  ])("of numbers that are none, as nonFinite: %s says", (nonFinite, json) => {
    const tasks = [{ taskid: "1", signatures: [{ inputs: [{ name: "x", dtype: "DT_FLOAT" }] }] }];
    const stream = open(conversionVm({ tasks, nonFinite }), PATH);
    stream.sendRequestBody(Buffer.from(ROWS));
    const floatVal = [Number.NaN, Infinity, -Infinity, 9e6, 1 / 3];
    const y = { dtype: "DT_FLOAT", tensorShape: dims(5), floatVal };
    const body = Buffer.from(stream.respond([...GRPC_HEADERS], encode({ y }))).toString();
    stream.close();
    if (json === undefined) expect(stream.reply?.details).toBe("model_reply_malformed");
    else expect(body).toBe(`{"predictions":${json}}`);
  });

  it("of 300,000 elements, over several slabs", () => {
    const data = Float32Array.from({ length: 300_000 }, (_, i) => i / 7);
    const y = { dtype: "DT_FLOAT", tensorShape: dims(100_000, 3), tensorContent: Buffer.from(data.buffer) };
    const { json } = respond({ y }, ROWS, 65_000);
    expect(Float32Array.from(json.predictions.flat())).toEqual(data);
  });

  it.each([
    ["too few elements", { y: { dtype: "DT_INT32", tensorShape: dims(3), intVal: [1, 2] } }],
    ["an unknown type", { y: { dtype: "DT_INVALID", tensorShape: dims(1), intVal: [1] } }],
    ["elements of another type", { y: { dtype: "DT_FLOAT", tensorShape: dims(1), intVal: [1] } }],
    ["a negative dimension", { y: { dtype: "DT_FLOAT", tensorShape: dims(-1), floatVal: [1] } }],
    ["different batch sizes", { a: several.a, b: { dtype: "DT_INT32", tensorShape: dims(1), intVal: [1] } }],
    ["half a message", encode(several).subarray(0, -3)],
    [
      "more empty lists than any model needs",
      Object.fromEntries(
        ["a", "b"].map((name) => [name, { dtype: "DT_INT8", tensorShape: dims(600_000, 0) }]),
      ),
    ],
    [
      "a long name for each of many rows",
      Object.fromEntries(
        ["a", "b"].map((name) => [name.repeat(1000), { dtype: "DT_INT8", tensorShape: dims(400_000, 0) }]),
      ),
    ],
    ["a field as long as 64 bits can say", frame(Buffer.from("0a0a0affffffffffffffff7f", "hex"))],
  ])("with %s are an error", (_name, outputs) => {
    expect(respond(outputs, ROWS)).toEqual({ error: "model_reply_malformed" });
  });

  it("with elements that stand for more than the limit are an error", () => {
    const tasks = [{ taskid: "1", signatures: [{ inputs: [{ name: "x", dtype: "DT_FLOAT" }] }] }];
    const small = conversionVm({ tasks, maxResponseBytes: 1000 });
    const ones = { dtype: "DT_INT8", tensorShape: dims(600), intVal: [1] };
    for (const [outputs, fault] of [
      [{ a: ones }, undefined],
      [{ a: ones, b: ones }, "model_reply_malformed"],
    ] as const) {
      const stream = open(small, PATH);
      stream.sendRequestBody(Buffer.from(ROWS));
      stream.respond([...GRPC_HEADERS], encode(outputs));
      stream.close();
      expect(stream.reply?.details).toBe(fault);
    }
  });

  it("of any bytes never trap, and are JSON when they are no error", () => {
    const good = encode(several);
    const mutation = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        mutation,
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(ROWS, COLUMNS),
        (edits, chunkSize, request) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of edits) bytes[at] = value;
          respond(bytes, request, chunkSize);
        },
      ),
      { numRuns: 15_000 },
    );
  });
});
