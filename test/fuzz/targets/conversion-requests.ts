import protobuf from "protobufjs";
import { OPEN_INFERENCE_TYPES } from "../../../tools/api/conversion.ts";
import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { ModelInferRequest } from "../../support/conversion.ts";
import type { Random } from "../../support/mutate.ts";
import { checkSame, chunkSizes, FuzzedFilter, type Outcome, outcome } from "../filter.ts";
import {
  anyNumber,
  anyText,
  anyValue,
  mutateJson,
  parsed,
  Raw,
  readsAlike,
  spell,
  spellText,
} from "../generate/json.ts";
import { inferReference } from "../reference/infer.ts";
import { check, type Harness, type Target } from "../target.ts";

/** JSON bodies of the Open Inference Protocol and of TensorFlow Serving's REST API -> gRPC requests. */

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`proto/${target.split("/").pop()}`, PROJECT_ROOT).pathname;
root.loadSync("tensorflow_serving.proto");
const serving = (name: string) => root.lookupType(`tensorflow.serving.${name}`);
const PredictRequest = serving("PredictRequest");
const ClassificationRequest = serving("ClassificationRequest");

const one = (name: string, dtype: string) => ({ name, inputs: [{ name: "x", dtype }] });
const SIGNATURES = [
  ...[
    one("serving_default", "DT_FLOAT"),
    one("text", "DT_STRING"),
    one("bool", "DT_BOOL"),
    one("long", "DT_INT64"),
  ],
  ...[one("double", "DT_DOUBLE"), one("half", "DT_HALF"), one("byte", "DT_UINT8")],
  {
    name: "two",
    inputs: [
      { name: "a", dtype: "DT_INT32" },
      { name: "b_bytes", dtype: "DT_STRING" },
    ],
  },
];

interface Body {
  name: string;
  about: string;
  path: string;
  words: string[];
  generate(random: Random): string;
  /** What must hold of what goes on, or of the refusal. */
  verify(input: Buffer, result: Outcome): void;
}

const MAX_BODY = 64 * 1024;

function requests(body: Body): Target {
  return {
    name: body.name,
    about: body.about,
    async open(): Promise<Harness> {
      const config = { tasks: [{ taskid: "1", signatures: SIGNATURES }], maxRequestBytes: 1_000_000 };
      const filter = await FuzzedFilter.start("protocol-conversion", { protocolConversion: config });
      const send = (input: Buffer, chunkSize: number): Outcome => {
        filter.begin(input.length);
        const headers: HeaderList = [
          [":method", "POST"],
          [":path", body.path],
          ["taskid", "1"],
        ];
        const stream = filter.vm.open(headers);
        return outcome(stream, stream.sendRequestBody(input, chunkSize), stream.requestHeaders);
      };
      return {
        modules: [filter.counted],
        generate: (random) => Buffer.from(body.generate(random), "latin1"),
        mutate: (a, b, random) =>
          Buffer.from(
            mutateJson(a.toString("latin1"), b.toString("latin1"), random, body.words).slice(0, MAX_BODY),
            "latin1",
          ),
        run(input) {
          const [whole, pieces] = chunkSizes(input) as [number, number];
          const result = send(input, whole);
          checkSame(result, send(input, pieces), `in chunks of ${pieces}`);
          if (result.passed) check(parsed(input) !== undefined, "it takes what is no JSON");
          body.verify(input, result);
          return undefined;
        },
      };
    },
  };
}

/** The one message of a gRPC body. */
function message(type: protobuf.Type, { passed }: Outcome): protobuf.Message {
  const bytes = passed as Buffer;
  check(
    bytes.length >= 5 && bytes[0] === 0 && bytes.readUInt32BE(1) === bytes.length - 5,
    "the frame's length is wrong",
  );
  return type.decode(bytes.subarray(5));
}

/** A scalar that fits the datatype most of the time. */
function scalar(datatype: string, random: Random): unknown {
  if (random.below(40) === 0) return anyValue(random, 1);
  if (datatype === "BOOL") return random.below(2) === 0;
  if (datatype === "BYTES") return anyText(random);
  const bits = Number(/\d+$/.exec(datatype)?.[0]);
  if (datatype.startsWith("UINT")) return new Raw(String(BigInt(random.below(2 ** 32)) % 2n ** BigInt(bits)));
  if (datatype.startsWith("INT"))
    return new Raw(String(BigInt(random.below(2 ** 32)) % 2n ** BigInt(bits - 1)));
  const number = anyNumber(random);
  return new Raw(datatype === "FP64" ? number : Math.abs(Number(number)) < 60_000 ? number : "-1.5");
}

function nested(shape: number[], make: () => unknown): unknown {
  const [size, ...rest] = shape;
  return size === undefined ? make() : Array.from({ length: size }, () => nested(rest, make));
}

function inferBody(random: Random): string {
  const parameters = () =>
    random.below(4)
      ? undefined
      : Object.fromEntries(
          Array.from({ length: random.below(3) }, () => [
            anyText(random),
            random.pick([true, "t", new Raw(anyNumber(random))]),
          ]),
        );
  const input = () => {
    const datatype = random.pick(OPEN_INFERENCE_TYPES);
    const shape = Array.from({ length: random.below(4) }, () => random.below(5));
    const make = () => scalar(datatype, random);
    const count = shape.reduce((a, b) => a * b, 1);
    const flat = shape.length === 0 || random.below(2) === 0;
    const data = flat ? Array.from({ length: count }, make) : nested(shape, make);
    return { name: anyText(random) || "x", shape, datatype, parameters: parameters(), data };
  };
  const body = {
    id: random.below(3) ? undefined : anyText(random),
    parameters: parameters(),
    inputs: Array.from({ length: random.below(4) }, input),
    outputs: random.below(3) ? undefined : [{ name: anyText(random) || "y", parameters: parameters() }],
    [`k${random.below(4)}`]: random.below(3) ? undefined : anyValue(random),
  };
  return spell(body, random);
}

/** Why what JSON.parse takes may be refused: it sees no duplicates, and knows no limits. */
const OWN_LIMITS = /occurs twice|nested too deeply|too long|must be base64|1 MiB|at most/;

const QUOTED = (names: string[]) => names.map((name) => JSON.stringify(name));

const infer: Body = {
  name: "infer-request",
  about: "Open Inference JSON -> ModelInferRequest, against JSON.parse and exact arithmetic",
  path: "/v2/models/m/infer",
  words: QUOTED([
    "inputs",
    "outputs",
    "name",
    "shape",
    "datatype",
    "data",
    "id",
    "parameters",
    "binary_data_size",
    "binary_data",
    "binary_data_output",
    ...OPEN_INFERENCE_TYPES,
  ]),
  generate: inferBody,
  verify(input, result) {
    const decoded = parsed(input);
    const reference = decoded ? inferReference(input.toString("utf8")) : "invalid";
    if (reference === "unsure") return;
    if (reference === "invalid") {
      check(!result.passed, "it takes what is invalid");
      return;
    }
    if (!result.passed) {
      check(OWN_LIMITS.test(result.error as string), `it refuses what is valid: ${result.error}`);
      return;
    }
    const sent = ModelInferRequest.toObject(message(ModelInferRequest, result), {
      longs: BigInt as never,
      arrays: true,
      defaults: true,
    });
    check(sent.inputs.length === reference.inputs.length, "inputs are missing");
    for (const [i, wanted] of reference.inputs.entries()) {
      const { name, datatype, shape } = sent.inputs[i];
      const raw = Buffer.from(sent.rawInputContents[i]);
      const same =
        name === wanted.name &&
        datatype === wanted.datatype &&
        shape.map(String).join() === wanted.shape.join();
      check(same, () => `input ${i} is ${JSON.stringify([name, datatype, shape.map(String)])}`);
      check(
        raw.equals(wanted.raw),
        () => `input ${i} holds ${raw.toString("hex")} for ${wanted.raw.toString("hex")}`,
      );
    }
    const names = sent.outputs.map((output: { name: string }) => output.name);
    check(names.join("\n") === reference.outputs.join("\n"), "outputs differ");
  },
};

const base64 = (text: string) => ({ b64: Buffer.from(text).toString("base64") });

function predictBody(random: Random): string {
  const signature = random.pick(SIGNATURES);
  const scalarOf = (dtype: string): unknown => {
    if (dtype === "DT_STRING") return random.below(2) ? anyText(random) : base64(anyText(random));
    if (dtype === "DT_BOOL") return random.below(2) === 0;
    if (dtype === "DT_UINT8") return random.below(256);
    if (dtype === "DT_INT64" || dtype === "DT_INT32") return random.below(1000) - 500;
    return new Raw(dtype === "DT_HALF" ? String(random.below(100)) : anyNumber(random));
  };
  const inputs = signature.inputs as { name: string; dtype: string }[];
  const shape = Array.from({ length: random.below(3) }, () => 1 + random.below(3));
  const value = (dtype: string) => nested(shape, () => scalarOf(dtype));
  const named = inputs.length > 1 || random.below(2) === 0;
  const row = () =>
    named
      ? Object.fromEntries(inputs.map(({ name, dtype }) => [name, value(dtype)]))
      : value(inputs[0]?.dtype as string);
  const body = {
    signature_name: signature.name === "serving_default" && random.below(2) ? undefined : signature.name,
    ...(random.below(2)
      ? { instances: Array.from({ length: 1 + random.below(4) }, row) }
      : { inputs: row() }),
    [`k${random.below(4)}`]: random.below(3) ? undefined : anyValue(random),
  };
  return spell(body, random);
}

const predict: Body = {
  name: "predict-request",
  about: "TensorFlow Serving JSON -> PredictRequest: shapes fit contents, JSON.parse takes what is taken",
  path: "/v1/models/m:predict",
  words: QUOTED([
    "instances",
    "inputs",
    "signature_name",
    "b64",
    "a",
    "b_bytes",
    "x",
    ...SIGNATURES.map(({ name }) => name),
  ]),
  generate: predictBody,
  verify(_input, result) {
    if (!result.passed) return;
    const options = { longs: Number, enums: String, arrays: true, defaults: true };
    const sent = PredictRequest.toObject(message(PredictRequest, result), options);
    const sizes: Record<string, number> = {
      DT_FLOAT: 4,
      DT_BOOL: 1,
      DT_INT64: 8,
      DT_DOUBLE: 8,
      DT_HALF: 2,
      DT_UINT8: 1,
      DT_INT32: 4,
    };
    for (const [name, tensor] of Object.entries<Record<string, never>>(sent.inputs)) {
      const { dtype, tensorShape, tensorContent, stringVal } = tensor as never as {
        dtype: string;
        tensorShape: { dim: { size: number }[] };
        tensorContent: Buffer;
        stringVal: Buffer[];
      };
      const count = tensorShape.dim.reduce((product, { size }) => product * size, 1);
      const held = dtype === "DT_STRING" ? stringVal.length : tensorContent.length / (sizes[dtype] as number);
      check(held === count, `${name} of ${dtype} holds ${held} elements of ${count}`);
    }
  },
};

function examplesBody(random: Random): string {
  const feature = (): unknown => {
    const make = random.pick<() => unknown>([
      () => new Raw(anyNumber(random)),
      () => anyText(random),
      () => random.below(2) === 0,
      () => base64(anyText(random)),
      () => random.below(1000),
    ]);
    return random.below(3) ? Array.from({ length: random.below(5) }, make) : make();
  };
  const example = () =>
    Object.fromEntries(
      Array.from({ length: random.below(4) }, (_, i) => [
        random.below(3) ? `f${i}` : anyText(random),
        feature(),
      ]),
    );
  const body = {
    signature_name: random.below(2) ? undefined : anyText(random),
    context: random.below(3) ? undefined : example(),
    examples: Array.from({ length: random.below(4) }, example),
    [`k${random.below(4)}`]: random.below(3) ? undefined : anyValue(random),
  };
  return spell(body, random);
}

const examples: Body = {
  name: "examples-request",
  about:
    "TensorFlow Serving's examples -> ClassificationRequest: as many examples and features as JSON.parse sees",
  path: "/v1/models/m:classify",
  words: QUOTED(["examples", "context", "signature_name", "b64", "f0", "f1"]),
  generate: examplesBody,
  verify(input, result) {
    if (!result.passed) return;
    const sent = ClassificationRequest.toObject(message(ClassificationRequest, result), { longs: String });
    const list = sent.input?.exampleListWithContext?.examples ?? sent.input?.exampleList?.examples ?? [];
    const { examples: wanted } = (parsed(input) as { value: { examples: object[] } }).value;
    check(list.length === wanted.length, `${list.length} examples of ${wanted.length}`);
    for (const [i, example] of wanted.entries()) {
      const features = Object.keys(list[i].features?.feature ?? {}).length;
      check(features === Object.keys(example).length, `${features} features of example ${i}`);
    }
  },
};

/** A member whose value is one JSON text: what the grammar takes is taken, all else is refused. */
const grammar: Body = {
  name: "json-grammar",
  about: "any JSON text as an unknown member's value: taken just where JSON.parse takes it",
  path: "/v2/models/m/infer",
  words: [],
  generate: (random) =>
    `{"inputs":[],"u":${random.below(3) ? spell(anyValue(random, 6), random) : spellText(anyText(random), random)}}`,
  verify(input, result) {
    if (result.passed) return;
    const value = parsed(input)?.value;
    if (!readsAlike(input.toString())) return;
    if (!value || typeof value !== "object" || !("inputs" in value)) return;
    const { inputs, u, ...more } = value as Record<string, unknown>;
    if (Array.isArray(inputs) && inputs.length === 0 && Object.keys(more).length === 0)
      check(OWN_LIMITS.test(result.error as string), `it refuses what is valid: ${result.error} ${typeof u}`);
  },
};

export const conversionRequests: Target[] = [infer, predict, examples, grammar].map(requests);
