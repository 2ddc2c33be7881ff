import { GRPC_HEADERS } from "../../support/conversion.ts";
import { type Config, ModelConfigResponse, openGenerate, sentOf, textsOf } from "../../support/generate.ts";
import type { Random } from "../../support/mutate.ts";
import { checkSame, chunkSizes, FuzzedFilter, type Outcome, outcome } from "../filter.ts";
import { anyNumber, anyText, anyValue, mutateJson, parsed, Raw, spell } from "../generate/json.ts";
import { mutateMessage } from "../generate/wire.ts";
import { check, type Target } from "../target.ts";
import { checkEvents, mutateFrames, streamOfReplies } from "./conversion-replies.ts";

/**
 * Triton's generate extension: requests by the model's inputs, streams of replies, what a server tells of a
 * model.
 */

const MODEL: Config = {
  input: [
    { name: "text_input", dataType: "TYPE_STRING", dims: [1] },
    { name: "stream", dataType: "TYPE_BOOL", dims: [1] },
    { name: "max_tokens", dataType: "TYPE_INT32", dims: [1] },
    { name: "temperature", dataType: "TYPE_FP32", dims: [1] },
    { name: "words", dataType: "TYPE_STRING", dims: [-1] },
    { name: "pairs", dataType: "TYPE_INT64", dims: [-1, 2] },
  ],
};
const NAMES = MODEL.input.map(({ name }) => name);
const CONFIG = {
  protocolConversion: { tasks: [{ taskid: "1" }], maxRequestBytes: 1_000_000, maxResponseBytes: 20_000 },
};

function inputs(random: Random): Record<string, unknown> {
  const whole = () => random.below(2 ** 31);
  const all: Record<string, () => unknown> = {
    text_input: () => anyText(random),
    stream: () => random.below(2) === 0,
    max_tokens: whole,
    temperature: () => new Raw(anyNumber(random)),
    words: () => Array.from({ length: random.below(4) }, () => anyText(random)),
    pairs: () => Array.from({ length: 2 * random.below(3) }, whole),
  };
  const wrong = () => (random.below(30) ? undefined : anyValue(random, 1));
  return Object.fromEntries(
    NAMES.filter(() => random.below(2)).map((name) => [name, wrong() ?? all[name]?.()]),
  );
}

function body(random: Random): string {
  const { text_input, ...others } = inputs(random);
  const nested = random.below(2) ? others : {};
  return spell(
    {
      id: random.below(3) ? undefined : anyText(random),
      text_input,
      ...(random.below(2) ? others : {}),
      parameters: random.below(3)
        ? { ...(random.below(4) ? {} : nested), [anyText(random)]: random.pick([1, "a", true, null, 0.5]) }
        : undefined,
    },
    random,
  );
}

/** What a body that is taken says of an input, twice nowhere. */
function saidOf(json: Record<string, unknown>, name: string): unknown {
  const parameters = json.parameters as Record<string, unknown> | undefined;
  return json[name] ?? parameters?.[name];
}

const request: Target = {
  name: "generate-request",
  about: "JSON of Triton's generate -> ModelInferRequest: texts, numbers and booleans as JSON.parse has them",
  async open() {
    const filter = await FuzzedFilter.start("protocol-conversion", CONFIG);
    const send = (input: Buffer, chunkSize: number): Outcome => {
      filter.begin(input.length + 1000);
      const stream = openGenerate(filter.vm, MODEL);
      return outcome(stream, stream.sendRequestBody(input, chunkSize), []);
    };
    return {
      modules: [filter.counted],
      generate: (random) => Buffer.from(body(random), "latin1"),
      mutate: (one, two, random) =>
        Buffer.from(
          mutateJson(one.toString("latin1"), two.toString("latin1"), random, ['"id"', '"parameters"']).slice(
            0,
            65_536,
          ),
          "latin1",
        ),
      run(input) {
        const [whole, pieces] = chunkSizes(input) as [number, number];
        const result = send(input, whole);
        checkSame(result, send(input, pieces), `in chunks of ${pieces}`);
        const json = parsed(input)?.value as Record<string, unknown> | undefined;
        if (!result.passed) return undefined;
        check(typeof json === "object" && json !== null, "it takes what is no object");
        const sent = sentOf(result.passed);
        for (const [name, { data }] of Object.entries(sent.inputs)) {
          const value = saidOf(json, name);
          if (name === "text_input" || name === "words")
            check(
              JSON.stringify(textsOf(data)) === JSON.stringify([value].flat(9)),
              () => `${name} is ${JSON.stringify(textsOf(data))} for ${JSON.stringify(value)}`,
            );
          else if (name === "max_tokens")
            check([value].flat(9)[0] === data.readInt32LE(), "max_tokens differs");
          else if (name === "stream") check([value].flat(9)[0] === (data[0] === 1), "stream differs");
        }
        const known = Object.keys(json).filter((name) => NAMES.includes(name));
        check(
          known.every((name) => name in sent.inputs),
          "an input is missing",
        );
        return undefined;
      },
    };
  },
};

const replies: Target = {
  name: "generate-reply",
  about: "frames of ModelStreamInferResponse -> the events of generate_stream, or the one reply of generate",
  async open() {
    const filter = await FuzzedFilter.start("protocol-conversion", CONFIG);
    const answer = (input: Buffer, chunkSize: number, path: string): Outcome => {
      filter.begin(input.length + 1000);
      const stream = openGenerate(filter.vm, { ...MODEL, decoupled: true }, path);
      stream.sendRequestBody(Buffer.from("{}"));
      let passed = stream.respond([...GRPC_HEADERS], input, chunkSize, false);
      if (!stream.reply) stream.endResponse([["grpc-status", "0"]]);
      if (!stream.reply && path.endsWith("/generate")) passed = stream.body;
      return outcome(stream, passed, stream.responseHeaders);
    };
    return {
      modules: [filter.counted],
      generate: streamOfReplies,
      mutate: mutateFrames,
      run(input) {
        const [whole, pieces] = chunkSizes(input) as [number, number];
        for (const path of ["/v2/models/m/generate_stream", "/v2/models/m/generate"]) {
          const result = answer(input, whole, path);
          checkSame(result, answer(input, pieces, path), `${path} in chunks of ${pieces}`);
          if (!result.passed) continue;
          if (path.endsWith("/generate"))
            check(parsed(result.passed) !== undefined, () => `it writes what is no JSON: ${result.passed}`);
          else checkEvents(input, result.passed);
        }
        return undefined;
      },
    };
  },
};

const encoded = (random: Random) => {
  const tensor = () => ({
    name: anyText(random),
    dataType: random.below(15),
    dims: Array.from({ length: random.below(4) }, () => random.below(5) - 1),
  });
  return Buffer.from(
    ModelConfigResponse.encode(
      ModelConfigResponse.fromObject({
        config: {
          name: anyText(random),
          maxBatchSize: random.below(3),
          input: Array.from({ length: random.below(4) }, tensor),
          modelTransactionPolicy: random.below(2) ? { decoupled: random.below(2) === 0 } : undefined,
        },
      }),
    ).finish(),
  );
};

const description: Target = {
  name: "model-description",
  about: "ModelConfigResponse of a model server: a request goes on by it, or is refused",
  async open() {
    const filter = await FuzzedFilter.start("protocol-conversion", CONFIG);
    let models = 0;
    return {
      modules: [filter.counted],
      generate: encoded,
      mutate: (one, two, random) => mutateMessage(one, two, random),
      run(input) {
        filter.begin(input.length + 2000);
        const { vm } = filter;
        const stream = vm.open({
          ":method": "POST",
          ":path": `/v2/models/m${++models}/generate`,
          taskid: "1",
        });
        const frame = Buffer.concat([Buffer.of(0, 0, 0, input.length >> 8, input.length & 255), input]);
        while (vm.callouts.length > 0) vm.answerCallout(200, frame, [["grpc-status", "0"]]);
        vm.stream = stream;
        const passed = stream.reply ? Buffer.of() : stream.sendRequestBody(Buffer.from('{"x":1,"":2}'));
        const result = outcome(stream, passed, []);
        if (result.passed) sentOf(result.passed);
        return undefined;
      },
    };
  },
};

export const generate: Target[] = [request, replies, description];
