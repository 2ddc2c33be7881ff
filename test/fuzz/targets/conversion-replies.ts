import protobuf from "protobufjs";
import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import {
  frame,
  GRPC_HEADERS,
  ModelInferResponse,
  ModelStreamInferResponse,
} from "../../support/conversion.ts";
import type { Random } from "../../support/mutate.ts";
import { checkSame, chunkSizes, FuzzedFilter, type Outcome, outcome } from "../filter.ts";
import { anyText, parsed } from "../generate/json.ts";
import { mutateBuffer, mutateMessage } from "../generate/wire.ts";
import { check, type Harness, type Target } from "../target.ts";

/** gRPC frames of a model server, as they are and broken -> the JSON of both protocols. */

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`proto/${target.split("/").pop()}`, PROJECT_ROOT).pathname;
root.loadSync("tensorflow_serving.proto");
const serving = (name: string) => root.lookupType(`tensorflow.serving.${name}`);
const PredictResponse = serving("PredictResponse");
const ClassificationResponse = serving("ClassificationResponse");
const RegressionResponse = serving("RegressionResponse");

interface Reply {
  name: string;
  about: string;
  path: string;
  request: string;
  headers?: Record<string, string>;
  generate(random: Random): Buffer;
  /** The filter learns from a reply how much room the next one of its model gets: answered once before. */
  isLearned?: boolean;
  verify?(frames: Buffer, body: Buffer, headers: HeaderList): void;
}

const floats = (random: Random, count: number) =>
  Array.from({ length: count }, () => Math.fround((random.below(2000) - 1000) / 7));

function inferResponse(random: Random): object {
  const parameter = () =>
    random.pick<object>([
      { boolParam: true },
      { int64Param: "-5" },
      { stringParam: anyText(random) },
      { doubleParam: 0.5 },
      { uint64Param: "7" },
    ]);
  const parameters = () => (random.below(4) ? {} : { [anyText(random)]: parameter() });
  const outputs: object[] = [];
  const rawOutputContents: Buffer[] = [];
  const raw = random.below(2) === 0;
  for (let i = random.below(4); i > 0; i--) {
    const datatype = random.pick([
      "BOOL",
      "UINT8",
      "UINT32",
      "UINT64",
      "INT8",
      "INT16",
      "INT32",
      "INT64",
      "FP16",
      "FP32",
      "FP64",
      "BYTES",
    ]);
    const shape = Array.from({ length: random.below(4) }, () => random.below(4));
    const count = shape.reduce((a, b) => a * b, 1);
    const output = { name: anyText(random), datatype, shape, parameters: parameters() };
    const size =
      { BOOL: 1, UINT8: 1, INT8: 1, INT16: 2, FP16: 2, UINT32: 4, INT32: 4, FP32: 4 }[datatype] ?? 8;
    if (raw || datatype === "FP16") {
      const texts = Array.from({ length: count }, () => Buffer.from(anyText(random)));
      rawOutputContents.push(
        datatype === "BYTES"
          ? Buffer.concat(texts.flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), text]))
          : Buffer.from(
              Array.from({ length: count * size }, () => random.below(datatype === "BOOL" ? 2 : 120)),
            ),
      );
      outputs.push(output);
      continue;
    }
    const numbers = Array.from({ length: count }, () => random.below(120));
    const field: Record<string, object> = {
      BOOL: { boolContents: numbers.map((n) => n % 2 === 0) },
      UINT64: { uint64Contents: numbers },
      INT64: { int64Contents: numbers.map((n) => -n) },
      FP32: { fp32Contents: floats(random, count) },
      FP64: { fp64Contents: floats(random, count) },
      BYTES: { bytesContents: numbers.map(() => Buffer.from(anyText(random))) },
    };
    const contents =
      field[datatype] ?? (datatype.startsWith("U") ? { uintContents: numbers } : { intContents: numbers });
    outputs.push({ ...output, contents });
  }
  return {
    modelName: anyText(random),
    modelVersion: anyText(random),
    id: anyText(random),
    parameters: parameters(),
    outputs,
    rawOutputContents,
  };
}

const encoded = (type: protobuf.Type, message: object) =>
  Buffer.from(type.encode(type.fromObject(message)).finish());

/** Frames of a stream: replies and errors. */
export function streamOfReplies(random: Random): Buffer {
  const message = () =>
    random.below(4) ? { inferResponse: inferResponse(random) } : { errorMessage: anyText(random) };
  return Buffer.concat(
    Array.from({ length: random.below(4) }, () => frame(encoded(ModelStreamInferResponse, message()))),
  );
}

/** Frames with one message changed, or their own bytes. */
export function mutateFrames(one: Buffer, two: Buffer, random: Random): Buffer {
  const intact = one.length >= 5 && one.readUInt32BE(1) <= one.length - 5;
  if (!intact || random.below(6) === 0) return mutateBuffer(one, random);
  const end = 5 + one.readUInt32BE(1);
  const changed = frame(mutateMessage(one.subarray(5, end), two.subarray(5), random));
  if (random.below(20) === 0) changed[0] = random.below(3);
  if (random.below(20) === 0)
    changed.writeUInt32BE(random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, changed.length]), 1);
  return Buffer.concat([changed, random.below(10) ? one.subarray(end) : two]).subarray(0, 64 * 1024);
}

const ENDS: HeaderList[] = [
  [["grpc-status", "0"]],
  [["grpc-status", "0"]],
  [],
  [
    ["grpc-status", "5"],
    ["grpc-message", 'no%20"x"%ff'],
  ],
];

function replies(reply: Reply): Target {
  return {
    name: reply.name,
    about: reply.about,
    async open(): Promise<Harness> {
      const signatures = [{ name: "serving_default", inputs: [{ name: "x", dtype: "DT_FLOAT" }] }];
      const config = { tasks: [{ taskid: "1", signatures }], maxResponseBytes: 20_000 };
      const filter = await FuzzedFilter.start("protocol-conversion", { protocolConversion: config });
      const answer = (input: Buffer, chunkSize: number, ends: HeaderList): Outcome => {
        filter.begin(input.length + 1000);
        const request = { ":method": "POST", ":path": reply.path, taskid: "1", ...reply.headers };
        const stream = filter.vm.open(request);
        stream.sendRequestBody(Buffer.from(reply.request));
        check(!stream.reply, () => `the request is refused: ${stream.reply?.body}`);
        const body = stream.respond([...GRPC_HEADERS], input, chunkSize, false);
        if (!stream.reply) stream.endResponse([...ends]);
        return outcome(stream, body, stream.responseHeaders);
      };
      return {
        modules: [filter.counted],
        generate: reply.generate,
        mutate: mutateFrames,
        run(input) {
          const [whole, pieces] = chunkSizes(input) as [number, number];
          const ends = ENDS[input.length % ENDS.length] as HeaderList;
          if (reply.isLearned) answer(input, whole, ends);
          const result = answer(input, whole, ends);
          checkSame(result, answer(input, pieces, ends), `in chunks of ${pieces}`);
          const { passed } = result;
          if (passed && input.length > 0) reply.verify?.(input, passed, result.headers as HeaderList);
          return undefined;
        },
      };
    },
  };
}

function checkJson(_frames: Buffer, body: Buffer): void {
  check(
    parsed(body) !== undefined,
    () => `it writes what is no JSON: ${body.toString("latin1").slice(0, 500)}`,
  );
}

function checkInfer(frames: Buffer, body: Buffer): void {
  checkJson(frames, body);
  const written = JSON.parse(body.toString()) as {
    outputs: { name: string; shape: number[]; data: unknown[] }[];
  };
  const options = { longs: Number, defaults: true, arrays: true } as const;
  let message: { outputs: { name: string; shape: number[] }[] };
  try {
    const decoded = ModelInferResponse.decode(frames.subarray(5));
    // protobufjs minds no wire types: what it would not write like this it may have misread.
    if (!frames.subarray(5).equals(ModelInferResponse.encode(decoded).finish())) return;
    message = ModelInferResponse.toObject(decoded, options) as never;
  } catch {
    return;
  }
  check(
    written.outputs.length === message.outputs.length,
    `${written.outputs.length} outputs of ${message.outputs.length}`,
  );
  for (const [i, { shape }] of message.outputs.entries()) {
    const output = written.outputs[i];
    if (!shape.every(Number.isSafeInteger)) continue;
    check(
      JSON.stringify(output?.shape) === JSON.stringify(shape),
      () => `the shape is ${output?.shape} of ${shape}`,
    );
    const count = shape.reduce((a, b) => a * b, 1);
    check(output?.data.length === count, `${output?.data.length} elements of ${count}`);
  }
}

function checkBinary(_frames: Buffer, body: Buffer, headers: HeaderList): void {
  const length = headers.find(([name]) => name === "inference-header-content-length")?.[1];
  checkJson(body, body.subarray(0, Number(length)));
}

export function checkEvents(_frames: Buffer, body: Buffer): void {
  for (const event of body.toString("latin1").split("\n\n").filter(Boolean)) {
    check(event.startsWith("data: "), () => `an event is ${event}`);
    checkJson(body, Buffer.from(event.slice(6), "latin1"));
  }
}

const tensor = (random: Random): object => {
  const shape = Array.from({ length: random.below(3) }, () => random.below(4));
  const count = shape.reduce((a, b) => a * b, 1);
  const [dtype, values] = random.pick<[string, object]>([
    [
      "DT_FLOAT",
      random.below(2)
        ? { floatVal: floats(random, count) }
        : { tensorContent: Buffer.from(Float32Array.from(floats(random, count)).buffer) },
    ],
    ["DT_INT64", { int64Val: floats(random, count).map(Math.trunc) }],
    ["DT_STRING", { stringVal: Array.from({ length: count }, () => Buffer.from(anyText(random))) }],
    ["DT_BOOL", { boolVal: floats(random, count).map((value) => value > 0) }],
    ["DT_DOUBLE", { doubleVal: floats(random, count) }],
    ["DT_INT32", { intVal: floats(random, count).map(Math.trunc) }],
  ]);
  return { dtype, tensorShape: { dim: shape.map((size) => ({ size })) }, ...values };
};

const OPEN_INFERENCE = { path: "/v2/models/m/infer", request: '{"inputs":[]}' };
const infer = (random: Random) => frame(encoded(ModelInferResponse, inferResponse(random)));

export const conversionReplies: Target[] = [
  {
    name: "infer-reply",
    about: "ModelInferResponse -> JSON: JSON.parse reads it, shapes and counts are those of protobufjs",
    ...OPEN_INFERENCE,
    generate: infer,
    verify: checkInfer,
  },
  {
    name: "infer-reply-binary",
    about: "ModelInferResponse -> JSON and binary data behind it",
    ...OPEN_INFERENCE,
    request: '{"parameters":{"binary_data_output":true},"inputs":[]}',
    isLearned: true,
    generate: infer,
    verify: checkBinary,
  },
  {
    name: "infer-reply-stream",
    about: "frames of ModelStreamInferResponse -> server-sent events, each of JSON",
    ...OPEN_INFERENCE,
    headers: { accept: "text/event-stream" },
    generate: streamOfReplies,
    verify: checkEvents,
  },
  {
    name: "predict-reply",
    about: "PredictResponse -> JSON rows or columns",
    path: "/v1/models/m:predict",
    request: '{"instances":[1]}',
    generate: (random: Random) =>
      frame(
        encoded(PredictResponse, {
          outputs: Object.fromEntries(
            Array.from({ length: random.below(3) }, () => [anyText(random), tensor(random)]),
          ),
        }),
      ),
    verify: checkJson,
  },
  {
    name: "predict-reply-columns",
    about: "PredictResponse -> JSON columns",
    path: "/v1/models/m:predict",
    request: '{"inputs":[1]}',
    generate: (random: Random) =>
      frame(
        encoded(PredictResponse, {
          outputs: Object.fromEntries(
            Array.from({ length: random.below(3) }, () => [anyText(random), tensor(random)]),
          ),
        }),
      ),
    verify: checkJson,
  },
  {
    name: "classify-reply",
    about: "ClassificationResponse -> JSON",
    path: "/v1/models/m:classify",
    request: '{"examples":[{}]}',
    generate: (random: Random) => {
      const classes = () =>
        Array.from({ length: random.below(4) }, () => ({
          label: anyText(random),
          score: random.below(100) / 7,
        }));
      return frame(
        encoded(ClassificationResponse, {
          result: {
            classifications: Array.from({ length: random.below(4) }, () => ({ classes: classes() })),
          },
        }),
      );
    },
    verify: checkJson,
  },
  {
    name: "regress-reply",
    about: "RegressionResponse -> JSON",
    path: "/v1/models/m:regress",
    request: '{"examples":[{}]}',
    generate: (random: Random) =>
      frame(
        encoded(RegressionResponse, {
          result: { regressions: floats(random, random.below(4)).map((value) => ({ value })) },
        }),
      ),
    verify: checkJson,
  },
].map(replies);
