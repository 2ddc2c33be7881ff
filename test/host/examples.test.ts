import fc from "fast-check";
import protobuf from "protobufjs";
import { beforeAll, describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { conversionVm, frame, GRPC_HEADERS, open } from "../support/conversion.ts";
import { edited } from "../support/edited.ts";

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`proto/${target.split("/").pop()}`, PROJECT_ROOT).pathname;
root.loadSync("tensorflow_serving.proto");
const type = (name: string) => root.lookupType(`tensorflow.serving.${name}`);
const Request = type("ClassificationRequest");
const Classification = type("ClassificationResponse");
const Regression = type("RegressionResponse");

let vm: Vm;
beforeAll(() => {
  vm = conversionVm();
});

const CHUNKS = [1, 3, 8, 1000];
const CLASSIFY = "/v1/models/m:classify";

interface Example {
  features?: { feature: Record<string, object> };
}
interface Sent {
  error?: string;
  modelSpec?: object;
  input?: {
    exampleList?: { examples: Example[] };
    exampleListWithContext?: { examples: Example[]; context: Example };
  };
}

function send(json: string, chunkSize = json.length, path = CLASSIFY): Sent {
  const stream = open(vm, path);
  const bytes = Buffer.from(stream.sendRequestBody(Buffer.from(json), chunkSize));
  stream.close();
  if (stream.reply) return { error: JSON.parse(stream.reply.body).error };
  expect(bytes.readUInt32BE(1)).toBe(bytes.length - 5);
  const options = { longs: String, bytes: String, arrays: true };
  return Request.toObject(Request.decode(bytes.subarray(5)), options) as Sent;
}

const b64 = (text: string) => Buffer.from(text).toString("base64");
const floats = (...value: number[]) => ({ floatList: { value } });
const integers = (...value: string[]) => ({ int64List: { value } });
const texts = (...value: string[]) => ({ bytesList: { value: value.map(b64) } });

describe("requests", () => {
  it.each([
    ["floats", "[1.5, -2.0,3e2]", floats(1.5, -2, 300)],
    ["a float", "0.25", floats(0.25)],
    ["integers", "[1,-2,9223372036854775807]", integers("1", "-2", "9223372036854775807")],
    ["an integer", "7", integers("7")],
    ["booleans are integers", "[true,false, 3]", integers("1", "0", "3")],
    ["a boolean", "true", integers("1")],
    ["an integer beyond 64 bits is a float", "18446744073709551616", floats(2 ** 64)],
    ["strings", '["a","é\\n",""]', texts("a", "é\n", "")],
    ["a string", '"a"', texts("a")],
    ["base64", '[{"b64":"aGk="},"x",{"b64":"AGk"}]', texts("hi", "x", "\0i")],
    ["a base64 value", '{"b64":"aGk="}', texts("hi")],
    ["no values", "[]", {}],
  ])("%s", (_name, value, feature) => {
    for (const chunkSize of CHUNKS) {
      const { input, error } = send(`{"examples":[{"x":${value}}]}`, chunkSize);
      expect(error).toBeUndefined();
      expect(input).toEqual({ exampleList: { examples: [{ features: { feature: { x: feature } } }] } });
    }
  });

  it.each(CHUNKS)("of several examples with a context, in chunks of %d bytes", (chunkSize) => {
    const members = [
      '"signature_name":"s"',
      '"context":{"c":[1.5]}',
      '"examples":[{"a":1,"b":["x"]},{}, {"a":2}]',
      '"x":{"y":[1]}',
    ];
    for (const json of [members, members.toReversed()].map((all) => `{${all.join(", ")}}`)) {
      const sent = send(json, chunkSize, "/v1/models/m%20n/versions/3:regress");
      expect(sent.error).toBeUndefined();
      expect(sent.modelSpec).toEqual({ name: "m n", version: { value: "3" }, signatureName: "s" });
      expect(sent.input?.exampleListWithContext).toEqual({
        context: { features: { feature: { c: floats(1.5) } } },
        examples: [
          { features: { feature: { a: integers("1"), b: texts("x") } } },
          { features: {} },
          { features: { feature: { a: integers("2") } } },
        ],
      });
    }
  });

  it("of long lists and texts", () => {
    const x = Array.from({ length: 30_000 }, (_, i) => i / 4 + 0.125);
    const text = "é".repeat(60_000);
    const image = Buffer.alloc(150_000, "image").toString("base64");
    const examples = [{ x, text, image: { b64: image } }, { x: 1 }];
    const { input } = send(JSON.stringify({ examples }), 10_000);
    expect(input?.exampleList?.examples).toEqual([
      {
        features: {
          feature: { x: floats(...x), text: texts(text), image: { bytesList: { value: [image] } } },
        },
      },
      { features: { feature: { x: integers("1") } } },
    ]);
  });

  const one = (value: string) => `{"examples":[{"x":${value}}]}`;
  it.each([
    ["{}", "examples is required"],
    ['{"context":{}}', "examples is required"],
    ['{"examples":[]}', "examples must not be empty"],
    ['{"examples":{}}', "wrong type"],
    ['{"examples":1}', "wrong type"],
    ['{"examples":[1]}', "an example must be an object of features at byte 13 (examples[0])"],
    ['{"examples":["a"]}', "an example must be an object"],
    ['{"examples":[[]]}', "an example must be an object"],
    ['{"examples":[{}],"examples":[{}]}', "occurs twice"],
    ['{"signature_name":1,"examples":[{}]}', "wrong type"],
    ['{"context":[],"examples":[{}]}', "wrong type"],
    [one("null"), "must be a number, a string"],
    [
      one("[1,null]"),
      "must be a number, a string, a boolean or a base64 object at byte 21 (examples[0].x[1])",
    ],
    [one("[[1]]"), "a flat list"],
    [one("[1,2.5]"), "must be of one kind"],
    [one('["a",1]'), "must be of one kind"],
    [one('[1,{"b64":"aGk="}]'), "must be of one kind"],
    [one("18446744073709551615"), "fits neither int64 nor float"],
    [one("1e39"), "fits neither int64 nor float"],
    [one('{"b64":1}'), "b64 must be base64"],
    [one('{"b64":["a"]}'), "b64 must be base64"],
    [one('{"b64":"a"}'), "b64 must be base64"],
    [one("{}"), "a base64 object"],
    [one('{"b64":"aGk=","b64":"aGk="}'), "a base64 object"],
    [one('{"y":"aGk="}'), "a base64 object"],
    [one('"\\ud800"'), "a string is malformed"],
    [one("1"), undefined],
    ['{"examples":[{"x":1}]', "ends too early"],
  ])("%s", (json, error) => {
    for (const chunkSize of [2, json.length]) {
      const result = send(json, chunkSize);
      if (error === undefined) expect(result.error).toBeUndefined();
      else expect(result.error).toContain(error);
    }
  });

  it("of any bytes never trap, and are taken only if JSON.parse takes them", () => {
    const goods = [
      '{"examples":[{"a":[1,2],"b":{"b64":"eQ=="}},{"a":2.5,"b":["x","y"]}],"context":{"c":true}}',
      '{"signature_name":"s","context":{"d":"é"},"examples":[{"x":[{"b64":"aGk="},"c"]}]}',
    ];
    fc.assert(
      fc.property(edited(goods), fc.integer({ min: 1, max: 100 }), (bytes, chunkSize) => {
        const stream = open(vm, CLASSIFY);
        const sent = Buffer.from(stream.sendRequestBody(bytes, chunkSize));
        stream.close();
        if (stream.reply) return;
        JSON.parse(bytes.toString());
        Request.decode(sent.subarray(5));
      }),
      { numRuns: 10_000 },
    );
  });
});

describe("replies", () => {
  function respond(bytes: Uint8Array, method: string, chunkSize?: number) {
    const stream = open(vm, `/v1/models/m:${method}`);
    stream.sendRequestBody(Buffer.from('{"examples":[{"x":1}]}'));
    const body = Buffer.from(stream.respond([...GRPC_HEADERS], bytes, chunkSize)).toString();
    stream.close();
    return stream.reply ? { error: stream.reply.details } : { text: body, json: JSON.parse(body) };
  }
  const classification = (...classifications: object[]) =>
    frame(
      Classification.encode(
        Classification.fromObject({ result: { classifications }, modelSpec: { name: "m" } }),
      ).finish(),
    );
  const regression = (...values: number[]) => {
    const result = { regressions: values.map((value) => ({ value })) };
    return frame(Regression.encode(Regression.fromObject({ modelSpec: { name: "m" }, result })).finish());
  };
  const good = classification(
    { classes: [{ label: "c\n", score: 0.1 }, { score: 3 }] },
    {},
    { classes: [{ label: "é" }] },
  );

  it("of classes", () => {
    for (const chunkSize of CHUNKS) {
      expect(respond(good, "classify", chunkSize).text).toBe(
        '{"results":[[["c\\u000a",0.1],["",3.0]],[],[["é",0.0]]]}',
      );
    }
  });

  it("of regressions", () => {
    for (const chunkSize of CHUNKS) {
      expect(respond(regression(0.5, 0, -7), "regress", chunkSize).text).toBe('{"results":[0.5,0.0,-7.0]}');
    }
  });

  it("of 100,000 regressions", () => {
    const values = Float32Array.from({ length: 100_000 }, (_, i) => i / 7);
    const { json } = respond(regression(...values), "regress", 65_000);
    expect(Float32Array.from(json.results)).toEqual(values);
  });

  it.each([
    ["no results", classification()],
    ["half a message", good.subarray(0, -3)],
    ["two messages", Buffer.concat([good, good])],
  ])("with %s are an error", (_name, bytes) => {
    for (const chunkSize of [1, 1000]) {
      expect(respond(bytes, "classify", chunkSize)).toEqual({ error: "model_reply_malformed" });
    }
  });

  it("of any bytes never trap, and are JSON when they are no error", () => {
    fc.assert(
      fc.property(
        edited([good, regression(1, 2, 3)]),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom("classify", "regress"),
        (bytes, chunkSize, method) => {
          respond(bytes, method, chunkSize);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
