import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { conversionVm, type InferRequest, open, send } from "../support/conversion.ts";

let vm: Vm;
beforeAll(() => {
  vm = conversionVm();
});

const CHUNKS = [1, 2, 3, 7, 64, 1000];

/** Of each datatype: JSON of three elements, and their raw contents. */
const DATATYPES: [string, string[], string][] = [
  ["BOOL", ["true", "false", "true"], "010001"],
  ["UINT8", ["0", "255", "7"], "00ff07"],
  ["UINT16", ["0", "65535", "258"], "0000ffff0201"],
  ["UINT32", ["0", "4294967295", "1"], "00000000ffffffff01000000"],
  ["UINT64", ["0", "18446744073709551615", "1"], "0000000000000000ffffffffffffffff0100000000000000"],
  ["INT8", ["-128", "127", "-1"], "807fff"],
  ["INT16", ["-32768", "32767", "-1"], "0080ff7fffff"],
  ["INT32", ["-2147483648", "2147483647", "-1"], "00000080ffffff7fffffffff"],
  [
    "INT64",
    ["-9223372036854775808", "9223372036854775807", "-1"],
    "0000000000000080ffffffffffffff7fffffffffffffffff",
  ],
  ["FP16", ["1", "-0.1", "65504"], "003c66aeff7b"],
  ["BF16", ["1", "-0.1", "3.39e38"], "803fcdbd7f7f"],
  ["FP32", ["1.5", "-2", "1e10"], "0000c03f000000c0f9021550"],
  ["FP64", ["1.5", "-0.1", "1e300"], "000000000000f83f9a9999999999b9bf9c7500883ce4377e"],
  [
    "BYTES",
    ['"a"', '"né\\u0001\\ud83d\\ude00"', '""'],
    "01000000610800000 06ec3a901f09f988000000000".replace(" ", ""),
  ],
];

describe.each(DATATYPES)("%s", (datatype, elements, hex) => {
  const flat = elements.join(",");
  const input = (members: string) => `{"inputs":[{"name":"x",${members}}]}`;

  it.each([
    ["flat", input(`"shape":[3],"datatype":"${datatype}","data":[${flat}]`)],
    ["nested", input(`"shape":[1,3,1],"datatype":"${datatype}","data":[[[${elements.join("],[")}]]]`)],
    [
      "with white space",
      input(`"shape" : [ 3 ],"datatype" : "${datatype}" ,\n"data"\t: [ ${elements.join(" ,\r\n ")} ] `),
    ],
    [
      "with a space after commas",
      input(`"shape": [3], "datatype": "${datatype}", "data": [${elements.join(", ")}]`),
    ],
    ["before its datatype", input(`"data":[${flat}],"datatype":"${datatype}","shape":[3]`)],
    [
      "nested before its datatype",
      input(`"data":[[${elements.join("],[")}]],"shape":[3,1],"datatype":"${datatype}"`),
    ],
  ])("%s", (_name, json) => {
    for (const chunkSize of CHUNKS) {
      const { request, error } = send(vm, json, chunkSize);
      expect(error).toBeUndefined();
      expect(request?.inputs[0]).toMatchObject({ name: "x", datatype });
      expect(request?.rawInputContents[0]?.toString("hex")).toBe(hex);
    }
  });

  it("refuses elements of other types", () => {
    const ofFloats = /^(FP|BF)/.test(datatype) ? ["1", '"NaN"'] : ["1"];
    const good = new Set(datatype === "BOOL" ? ["true"] : datatype === "BYTES" ? ['"1"', '"NaN"'] : ofFloats);
    for (const element of [
      "true",
      "1",
      '"1"',
      "null",
      "{}",
      "tru",
      "+1",
      "-",
      "NaN",
      '"NaN"',
      "1.",
      "01",
      "0x1",
    ]) {
      const json = input(`"shape":[1],"datatype":"${datatype}","data":[${element}]`);
      const { error } = send(vm, json, 3);
      expect([element, error === undefined]).toEqual([element, good.has(element)]);
    }
  });
});

it.each([
  ["UINT8", "256"],
  ["UINT8", "-1"],
  ["INT8", "128"],
  ["INT16", "-32769"],
  ["UINT32", "4294967296"],
  ["INT32", "1.0"],
  ["INT64", "9223372036854775808"],
  ["UINT64", "18446744073709551616"],
  ["FP16", "65520"],
  ["BF16", "3.4e38"],
  ["FP32", "3.5e38"],
  ["FP64", "1e309"],
])("%s refuses %s", (datatype, number) => {
  const { error } = send(
    vm,
    `{"inputs":[{"name":"x","shape":[2],"datatype":"${datatype}","data":[1,${number}]}]}`,
  );
  expect(error).toMatch(/ at byte \d+ \(inputs\[0\]\.data\[1\]\)$/);
});

describe("a request", () => {
  const json = JSON.stringify({
    id: 'né"\u0001',
    parameters: { flag: true, count: -3, big: 2, ratio: 0.5, text: "t", binary_data_output: false },
    inputs: [
      {
        name: "x",
        shape: [2, 2],
        datatype: "FP32",
        data: [
          [1.5, -2],
          [3e-3, 1e10],
        ],
        parameters: { a: 1, b: "x" },
      },
      { data: [1, 2], shape: [2], datatype: "INT64", name: "y" },
      { name: "empty", shape: [0], datatype: "FP32", data: [] },
      { name: "none", shape: [2, 0], datatype: "FP32", data: [[], []] },
      { name: "scalar", shape: [], datatype: "UINT8", data: [7] },
    ],
    outputs: [
      { name: "out", parameters: { classification: 3 } },
      { name: "other", unknown: [1, { b: null }] },
    ],
    unknown: [1, { inputs: null }],
  }).replace('"big":2', '"big":18446744073709551615');

  it("takes long tokens in tiny chunks", () => {
    const id = "x".repeat(60_000);
    const json = (id: string, number: string) => `{"id":"${id}","y":${number},"inputs":[]}`;
    for (const chunkSize of [1, 3, 7]) {
      expect(send(vm, json(id, "1".repeat(60_000)), chunkSize).request?.id).toBe(id);
      expect(send(vm, json(`${id}\\n`, "1"), chunkSize).request?.id).toBe(`${id}\n`);
      expect(send(vm, json(`${id}\n`, "1"), chunkSize).error).toContain("malformed JSON");
      expect(send(vm, json("x".repeat(70_000), "1"), chunkSize).error).toContain("too long");
      expect(send(vm, json(id, "1").slice(0, 50_000), chunkSize).error).toContain("ends too early");
    }
  });

  it.each(CHUNKS)("is converted in chunks of %d bytes", (chunkSize) => {
    const { request } = send(vm, json, chunkSize, "/v2/models/m%20%C3%A9%2F/versions/7/infer?x=1");
    expect(request).toMatchObject({
      modelName: "m é/",
      modelVersion: "7",
      id: 'né"\u0001',
      parameters: {
        flag: { boolParam: true },
        count: { int64Param: -3 },
        ratio: { doubleParam: 0.5 },
        text: { stringParam: "t" },
      },
      inputs: [
        {
          name: "x",
          datatype: "FP32",
          shape: [2, 2],
          parameters: { a: { int64Param: 1 }, b: { stringParam: "x" } },
        },
        { name: "y", datatype: "INT64", shape: [2] },
        { name: "empty", datatype: "FP32", shape: [0] },
        { name: "none", datatype: "FP32", shape: [2, 0] },
        { name: "scalar", datatype: "UINT8", shape: [] },
      ],
      outputs: [{ name: "out", parameters: { classification: { int64Param: 3 } } }, { name: "other" }],
    });
    expect(request?.parameters.big).toEqual({ doubleParam: 2 ** 64 });
    expect(request?.parameters.binary_data_output).toBeUndefined();
    const lengths = (request as InferRequest).rawInputContents.map(({ length }) => length);
    expect(lengths).toEqual([16, 16, 0, 0, 1]);
  });

  it("has the path, content type and te of a gRPC call", () => {
    const stream = open(vm, "/v2/models/m/infer", { "content-length": "5", "accept-encoding": "gzip" });
    expect(Object.fromEntries(stream.requestHeaders)).toMatchObject({
      ":path": "/inference.GRPCInferenceService/ModelInfer",
      "content-type": "application/grpc",
      te: "trailers",
    });
    expect(stream.header("x-envoy-original-path")).toBeUndefined();
    expect(stream.header("content-length")).toBeUndefined();
    expect(stream.header("accept-encoding")).toBeUndefined();
    stream.close();
  });

  it.each([
    "/v2/models/m/versions//infer",
    "/v2/models//infer",
    "/v2/models/m%2/infer",
    "/v2/models/m%ff/infer",
    "/v2/models/m/infer/",
    "/",
    "/v2x",
    "/v2/models/m/infers",
  ])("to %s is refused", (path) => {
    expect(open(vm, path).reply?.details).toBe("path_unknown");
  });

  it.each([
    ["GET", "/v2/models/m/infer", "POST"],
    ["POST", "/v2/models/m", "GET, HEAD"],
    ["POST", "/v2/health/live", "GET, HEAD"],
  ])("%s %s is refused", (method, path, allow) => {
    const { reply } = open(vm, path, { ":method": method });
    expect([reply?.status, reply?.headers]).toEqual([405, expect.arrayContaining([["allow", allow]])]);
  });

  it("with strings of any length is converted", () => {
    const text = `${"x".repeat(200_000)}é${"\\n".repeat(70_000)}`;
    const json = `{"inputs":[{"name":"x","shape":[2],"datatype":"BYTES","data":["${text}","end"]}]}`;
    for (const chunkSize of [1000, 65_536, 999_999]) {
      const raw = send(vm, json, chunkSize).request?.rawInputContents[0] as Buffer;
      const length = raw.readUInt32LE(0);
      expect(raw.toString("utf8", 4, 4 + length)).toBe(JSON.parse(`"${text}"`));
      expect(raw.toString("latin1", 4 + length)).toBe("\x03\0\0\0end");
    }
  });
});

describe("errors", () => {
  const input = (members: string) => `{"inputs":[{"name":"x","shape":[1],"datatype":"FP32",${members}}]}`;
  const shaped = (shape: string, data: string) =>
    `{"inputs":[{"name":"x","shape":${shape},"datatype":"INT8","data":${data}}]}`;
  const parameter = (value: string) => `{"parameters":{"p":${value}},"inputs":[]}`;
  it.each([
    ["", "the JSON ends too early at byte 0"],
    ["{", "the JSON ends too early at byte 1"],
    ["{}", "inputs is required"],
    ["[1]", "a member has the wrong type at byte 0"],
    ['"x"', "a member has the wrong type at byte 0"],
    ['{"inputs":{}}', "a member has the wrong type at byte 10 (inputs)"],
    ['{"inputs":[1]}', "a member has the wrong type at byte 11 (inputs[0])"],
    ['{"inputs":[],"inputs":[]}', "a member occurs twice"],
    ['{"inputs":[{}]}', "an input needs name"],
    ['{"a" 1}', "malformed JSON at byte 5 (a)"],
    ['{"a":1,}', "malformed JSON at byte 7"],
    ['{"a":01}', "malformed JSON at byte 5 (a)"],
    ['{"a":tru}', "malformed JSON at byte 5 (a)"],
    ['{"a":"\\x"}', "malformed JSON at byte 5 (a)"],
    ['{"a":"\\ud800"}', "malformed JSON at byte 5 (a)"],
    [`{"a":${"[".repeat(33)}`, "nested too deeply at byte 36"],
    [input('"data":[1]'), undefined],
    [input('"data":[1'), "malformed JSON"],
    [input('"data":[1,]'), "data must be numbers at byte 63 (inputs[0].data[1])"],
    [input('"data":[1 2]'), "malformed JSON at byte 63 (inputs[0].data[0])"],
    [input('"data":[null]'), "data must be numbers at byte 61 (inputs[0].data[0])"],
    [input('"data":[1e99]'), "a number does not fit the datatype"],
    [input('"data":[1,2]'), "data does not have as many elements as shape says"],
    [input('"data":[1],"data":[1]'), "a member occurs twice"],
    [input('"data":{}'), "a member has the wrong type"],
    [input('"data":1'), "a member has the wrong type"],
    [input('"x":1'), "an input needs name, shape, datatype"],
    [input('"datatype":"FP32"'), "a member occurs twice"],
    [shaped("[-1]", "[]"), "shape must be"],
    [shaped("[1.5]", "[]"), "shape must be"],
    [shaped('["1"]', "[]"), "shape must be"],
    [shaped("[[1]]", "[]"), "shape must be"],
    [shaped("1", "[]"), "a member has the wrong type"],
    [
      shaped("[2,2]", "[[1,2],[3]]"),
      "nested lists of data must be of equal length at byte 71 (inputs[0].data[1][0])",
    ],
    [shaped("[2,2]", "[[1,2],3]"), "nested lists of data must be of equal length"],
    [shaped("[2,2]", "[1,[2]]"), "nested lists of data must be of equal length"],
    [shaped("[2,2]", "[[1,2],[[3,4]]]"), "nested lists of data must be of equal length"],
    [shaped("[4,1]", "[[1,2],[3,4]]"), "data must be flat, or nested as shape says"],
    [shaped("[4]", "[[1,2],[3,4]]"), "data must be flat, or nested as shape says"],
    [shaped("[2,3]", "[[1,2],[3,4]]"), "data does not have as many elements"],
    [shaped("[2,2]", "[1,2,3,4]"), undefined],
    ['{"inputs":[{"name":"x","shape":[1],"datatype":"BF64","data":[]}]}', "datatype must be"],
    [
      '{"inputs":[{"name":"x","shape":[1],"data":[1 2],"datatype":"FP32"}]}',
      "malformed JSON at byte 45 (inputs[0].data[0])",
    ],
    [
      '{"inputs":[{"name":"x","shape":[1],"data":[1,"y"],"datatype":"FP32"}]}',
      "data must be numbers at byte 45 (inputs[0].data[1])",
    ],
    [
      '{"inputs":[{"name":"x","shape":[1],"data":[1],"data":[1],"datatype":"FP32"}]}',
      "a member occurs twice",
    ],
    ['{"inputs":[],"outputs":[{}]}', "an output needs a name"],
    [parameter("null"), "a parameter must be"],
    [parameter("[1]"), "a parameter must be"],
    [parameter("1e999"), "a parameter must be"],
  ])("%s", (json, error) => {
    for (const chunkSize of [json.length || 1, 3]) {
      const result = send(vm, json, chunkSize);
      if (error === undefined) expect(result.error).toBeUndefined();
      else expect(result.error).toContain(error);
    }
  });

  it("of a string that is too long, outside of data", () => {
    expect(send(vm, `{"inputs":[],"x":"${"y".repeat(70_000)}`, 500).error).toContain("too long");
  });

  it("of malformed text name the same byte in chunks of any size", () => {
    const body = `{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["${"plain ".repeat(9)}\\ud83d"]}]}`;
    for (const chunkSize of [...CHUNKS, body.length]) {
      const error = `a string of data is malformed at byte ${body.indexOf("\\")} (inputs[0].data[0])`;
      expect(send(vm, body, chunkSize)).toMatchObject({ error });
    }
  });

  it.each([
    ["a request", (parameters: string) => `{"parameters":{${parameters}},"inputs":[]}`],
    ["an input", (parameters: string) => `{"inputs":[{"parameters":{${parameters}}}]}`],
  ])("of much beside data, of %s, and its memory is given back", (_name, body) => {
    const large = conversionVm({ maxRequestBytes: 3_000_000 });
    const member = (i: number) => `"k${i}":"${"v".repeat(1000)}"`;
    const parameters = (count: number) => Array.from({ length: count }, (_, i) => member(i)).join(",");
    const run = () => send(large, body(parameters(2000)), 65536).error;
    expect(run()).toContain("names, shapes and parameters are over 1 MiB");
    expect(send(large, `{"parameters":{${parameters(900)}},"inputs":[]}`).error).toBeUndefined();
    for (let i = 0; i < 3; i++) run();
    const before = large.memoryBytes;
    for (let i = 0; i < 10; i++) run();
    expect(large.memoryBytes).toBe(before);
  });

  it("of a body that is too large is 413", () => {
    const stream = open(vm);
    stream.sendRequestBody(Buffer.alloc(1_000_001, " "), 65536);
    expect(stream.reply?.status).toBe(413);
    stream.close();
  });
});

describe("binary data", () => {
  const floats = Buffer.from(Float32Array.of(1, 2, 3).buffer);
  const strings = Buffer.from("\x02\0\0\0ab\0\0\0\0", "latin1");
  const json = JSON.stringify({
    inputs: [
      { name: "a", shape: [3], datatype: "FP32", parameters: { binary_data_size: 12, other: 1 } },
      { name: "b", shape: [2], datatype: "INT8", data: [4, 5] },
      { name: "c", shape: [0], datatype: "FP32", parameters: { binary_data_size: 0 } },
      { name: "d", shape: [2], datatype: "BYTES", parameters: { binary_data_size: strings.length } },
      { name: "e", shape: [1], datatype: "INT8", data: [6] },
    ],
  });
  const body = Buffer.concat([Buffer.from(json), floats, strings]);
  const headers = { "inference-header-content-length": String(json.length) };

  it.each([...CHUNKS, json.length, json.length + 5, json.length + 12])(
    "comes through in chunks of %d bytes",
    (chunkSize) => {
      const { request } = send(vm, body, chunkSize, undefined, headers);
      expect(request?.rawInputContents.map((raw) => raw.toString("latin1"))).toEqual([
        floats.toString("latin1"),
        "\x04\x05",
        "",
        strings.toString("latin1"),
        "\x06",
      ]);
      expect(request?.inputs[0]?.parameters).toEqual({ other: { int64Param: 1 } });
    },
  );

  it("is refused when the body is shorter than its JSON is said to be", () => {
    const more = { "inference-header-content-length": String(json.length + 1) };
    expect(send(vm, '{"inputs":[]}', undefined, undefined, more)).toMatchObject({ reason: "binary_length" });
  });

  it("counts for maxRequestBytes in chunks of one byte, too", () => {
    const limited = conversionVm({ maxRequestBytes: body.length - 1 });
    const stream = open(limited, undefined, headers);
    stream.sendRequestBody(body, 1);
    expect(stream.reply?.status).toBe(413);
    stream.close();
  });

  it("that trailers cut short is refused", () => {
    const stream = open(vm, undefined, headers);
    stream.sendRequestBody(body.subarray(0, -1), 50, false);
    stream.endRequest();
    expect(stream.reply?.details).toBe("binary_length");
    stream.close();
  });

  it("passes uncopied once its tensor is open", () => {
    const stream = open(vm, undefined, headers);
    stream.sendRequestBody(Buffer.from(json));
    vm.calls.length = 0;
    const big = JSON.stringify({
      inputs: [{ name: "a", shape: [100_000], datatype: "UINT8", parameters: { binary_data_size: 100_000 } }],
    });
    const direct = open(vm, undefined, { "inference-header-content-length": String(big.length) });
    vm.calls.length = 0;
    const sent = direct.sendRequestBody(Buffer.concat([Buffer.from(big), Buffer.alloc(100_000, 1)]), 10_000);
    expect(sent.length).toBeGreaterThan(100_000);
    expect(vm.calls.filter((call) => call === "get_buffer_bytes").length).toBe(2);
    direct.close();
  });

  it.each([
    ["short", body.subarray(0, -1), headers, "binary_length"],
    ["long", Buffer.concat([body, Buffer.of(1)]), headers, "binary_length"],
    ["missing", Buffer.from(json), {}, "binary_length"],
    [
      "behind JSON that is cut off",
      body,
      { "inference-header-content-length": String(json.length - 1) },
      "json_malformed",
    ],
    [
      "behind too much JSON",
      body,
      { "inference-header-content-length": String(json.length + 1) },
      "json_malformed",
    ],
    ["behind no number", body, { "inference-header-content-length": "x" }, "header_length"],
  ])("%s is refused", (_name, bytes, more, reason) => {
    for (const chunkSize of [1, 50, 1000])
      expect(send(vm, bytes, chunkSize, undefined, more)).toMatchObject({ reason });
  });

  it.each(['"shape":[3],"datatype":"FP32"', '"shape":[2],"datatype":"BYTES","data":["a"]'])(
    "%s and 8 bytes are refused",
    (members) => {
      const { error } = send(vm, `{"inputs":[{"name":"x",${members},"parameters":{"binary_data_size":8}}]}`);
      expect(error).toMatch(/binary_data_size/);
    },
  );
});

it("strings of any text are what they are, however they are split", () => {
  const plain = fc.string({ unit: fc.constantFrom(..."abc \u007f0"), maxLength: 40 });
  const odd = fc.string({ unit: fc.constantFrom("a", "é", '"', "\\", "\n", "€", "😀", "/"), maxLength: 20 });
  const list = fc.array(fc.tuple(fc.oneof(plain, plain, odd), fc.constantFrom(",", ", ", " ,\n")), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(list, fc.integer({ min: 1, max: 200 }), (pairs, chunkSize) => {
      const texts = pairs.map(([text]) => text);
      const data = pairs.map(
        ([text, comma], i) => JSON.stringify(text) + (i + 1 < pairs.length ? comma : ""),
      );
      const head = `"name":"x","datatype":"BYTES","shape":[${texts.length}]`;
      const { request } = send(vm, `{"inputs":[{${head},"data":[${data.join("")}]}]}`, chunkSize);
      const wanted = texts
        .map((text) => Buffer.from(text))
        .flatMap((text) => {
          const length = Buffer.alloc(4);
          length.writeUInt32LE(text.length);
          return [length, text];
        });
      expect(Buffer.from(request?.rawInputContents[0] as Buffer).equals(Buffer.concat(wanted))).toBe(true);
    }),
    { numRuns: 1500 },
  );
});

describe("NaN and the infinities", () => {
  const json =
    '{"inputs":[{"name":"x","shape":[4],"datatype":"FP32","data":[1,"NaN","Infinity","-Infinity"]}]}';
  it("are strings by default and where the policy says so", () => {
    const own = conversionVm({ nonFinite: "string" });
    for (const chunkSize of CHUNKS)
      for (const each of [own, vm])
        expect(send(each, json, chunkSize).request?.rawInputContents[0]?.toString("hex")).toBe(
          "0000803f0000c07f0000807f000080ff",
        );
    const halves = json.replace("FP32", "FP16");
    expect(send(own, halves).request?.rawInputContents[0]?.toString("hex")).toBe("003c007e007c00fc");
    expect(send(own, json.replace("NaN", "nan")).error).toContain("data must be numbers");
  });
  it("are refused otherwise", () => {
    for (const nonFinite of ["null", "error", "token"])
      expect(send(conversionVm({ nonFinite }), json).error).toContain(
        "data must be numbers at byte 63 (inputs[0].data[1])",
      );
  });
});

describe("any bytes", () => {
  const good = Buffer.from(
    JSON.stringify({
      id: "é",
      parameters: { a: 1.5, b: true },
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
        { data: [["a", "b\n"]], shape: [1, 2], datatype: "BYTES", name: "y" },
        { name: "z", shape: [2], datatype: "BOOL", data: [true, false] },
        { name: "i", shape: [2], datatype: "INT16", data: [-1, 300] },
      ],
      outputs: [{ name: "o" }],
    }),
  );
  const mutation = fc.array(
    fc.tuple(
      fc.nat(good.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"[]{},:\\0-.etf '))),
    ),
    { minLength: 1, maxLength: 4 },
  );

  it("never trap, and are taken only if JSON.parse takes them", () => {
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 200 }), (edits, chunkSize) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        const result = send(vm, bytes, chunkSize);
        if (result.request) JSON.parse(new TextDecoder("utf8", { fatal: true }).decode(bytes));
      }),
      { numRuns: 20_000 },
    );
  });

  it("give the same in chunks of any size", () => {
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 60 }), (edits, chunkSize) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of edits) bytes[at] = value;
        const whole = send(vm, bytes);
        const split = send(vm, bytes, chunkSize);
        if (whole.request) expect(split).toEqual(whole);
        else expect(split.error).toBeDefined();
      }),
      { numRuns: 5_000 },
    );
  });

  it("of structure at random are read as JSON.parse reads them", () => {
    const element = fc.double({ noNaN: true, noDefaultInfinity: true });
    const tensor = fc.array(fc.array(element, { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(tensor, fc.integer({ min: 1, max: 60 }), fc.boolean(), (data, chunkSize, last) => {
        const members = { data, shape: [data.length, 3], name: "x" };
        const input = last ? { ...members, datatype: "FP64" } : { datatype: "FP64", ...members };
        const raw = send(vm, JSON.stringify({ inputs: [input] }), chunkSize).request
          ?.rawInputContents[0] as Buffer;
        const flat = JSON.parse(JSON.stringify(data.flat())) as number[];
        for (const [i, value] of flat.entries()) expect(raw.readDoubleLE(8 * i)).toBe(value);
      }),
      { numRuns: 2_000 },
    );
  });
});

it("NaN before trailers goes by its own task's policy", () => {
  const tasks = [
    { taskid: "1", nonFinite: "token" },
    { taskid: "2", nonFinite: "null" },
  ];
  const both = conversionVm({ tasks });
  const long = `${"1".repeat(20)}.${"0".repeat(800)}`;
  const head = `{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[${long}`;
  const stream = open(both);
  stream.sendRequestBody(Buffer.from(head), head.length, false);
  stream.sendRequestBody(Buffer.from("0,NaN]}]}"), 100, false);
  open(both, undefined, { taskid: "2" }).sendRequestBody(Buffer.from('{"inputs":[]}'));
  stream.endRequest();
  expect(stream.reply).toBeUndefined();
});

it("no request begins while others hold maxMemoryBytes", () => {
  const both = conversionVm();
  const half = `{"inputs":[{"name":"x","datatype":"INT8","shape":[400000],"data":[${"1,".repeat(400_000)}`;
  const stream = open(both);
  stream.sendRequestBody(Buffer.from(half), half.length, false);
  expect(stream.reply).toBeUndefined();
  const settings = { tasks: [{ taskid: "1" }], maxMemoryBytes: 200_000 };
  expect(both.configure({ protocolConversion: settings })).toBe(true);
  const refused = open(both);
  expect(refused.reply?.details).toBe("memory_exhausted");
  refused.close();
  stream.close();
  expect(open(both).reply).toBeUndefined();
});

it("a chunk of many small tensors is held to maxMemoryBytes", () => {
  const small = conversionVm({ maxMemoryBytes: 1_000_000 });
  const input = '{"name":"x","datatype":"INT8","shape":[1],"data":[1]}';
  const body = `{"inputs":[${Array(10_000).fill(input).join(",")}]}`;
  expect(send(small, body)).toMatchObject({ reason: "memory_exhausted" });
  expect(send(small, `{"inputs":[${input}]}`).error).toBeUndefined();
});
