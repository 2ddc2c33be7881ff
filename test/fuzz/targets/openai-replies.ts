import type protobuf from "protobufjs";
import {
  frame,
  GRPC_HEADERS,
  ModelInferResponse,
  ModelStreamInferResponse,
} from "../../support/conversion.ts";
import { LANGUAGE_MODEL, openGenerate } from "../../support/generate.ts";
import type { Random } from "../../support/mutate.ts";
import { chunkSizes, FuzzedFilter } from "../filter.ts";
import { anyText, parsed } from "../generate/json.ts";
import { check, type Target } from "../target.ts";
import { mutateFrames } from "./conversion-replies.ts";
import { type Answered, answered, OPEN_AI_CONFIG } from "./openai-requests.ts";

/**
 * Replies of a model of the Open Inference Protocol, of which callers of OpenAI's API get chats and
 * embeddings.
 */

const bytesOf = (text: string) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from(Uint32Array.of(bytes.length).buffer), bytes]);
};

interface Tensor {
  name: string;
  datatype: string;
  shape: number[];
}

function tensor(random: Random): [Tensor, Buffer] {
  const name = random.pick(["text_output", "finish_reason", "prompt_tokens", "tokens", "embedding", "other"]);
  const shape = random.below(4) ? [1] : random.pick([[], [1, 1], [2], [0], [2, 2], [3]]);
  const count = shape.reduce((a, b) => a * b, 1);
  const isText = random.below(12) ? /text|reason/.test(name) : random.below(2) === 0;
  const each = (make: () => Buffer) => Buffer.concat(Array.from({ length: count }, make));
  if (isText) {
    const text = () => (random.below(20) ? anyText(random) : "ab".repeat(random.below(40_000)));
    return [{ name, datatype: "BYTES", shape }, each(() => bytesOf(text()))];
  }
  if (name === "embedding" || random.below(12) === 0)
    return [
      { name, datatype: "FP32", shape },
      each(() => Buffer.from(Float32Array.of(random.below(9) / 4 - 1).buffer)),
    ];
  return [
    { name, datatype: "INT32", shape },
    each(() => Buffer.from(Int32Array.of(random.below(300) - 20).buffer)),
  ];
}

function reply(random: Random): object {
  const tensors = Array.from({ length: random.below(5) }, () => tensor(random));
  return {
    modelName: "llm",
    parameters: random.below(3) ? {} : { triton_final_response: { boolParam: random.below(2) === 0 } },
    outputs: tensors.map(([each]) => each),
    rawOutputContents: tensors.map(([, data]) => data),
  };
}

const encoded = (type: protobuf.Type, message: object) =>
  frame(Buffer.from(type.encode(type.fromObject(message)).finish()));

function streamed(random: Random): Buffer {
  const one = () => (random.below(8) ? { inferResponse: reply(random) } : { errorMessage: anyText(random) });
  return Buffer.concat(
    Array.from({ length: random.below(5) }, () => encoded(ModelStreamInferResponse, one())),
  );
}

interface Reply {
  parameters: Record<string, { boolParam?: boolean }>;
  outputs: Tensor[];
  rawOutputContents: Uint8Array[];
}

/**
 * The texts that a stream says, one a reply; undefined where a reply has none, or they can't be told surely.
 */
function textsIn(frames: Buffer): string[] | undefined {
  const texts: string[] = [];
  for (let at = 0; at < frames.length; ) {
    if (at + 5 > frames.length || frames[at] !== 0) return undefined;
    const message = frames.subarray(at + 5, at + 5 + frames.readUInt32BE(at + 1));
    at += 5 + frames.readUInt32BE(at + 1);
    if (at > frames.length) return undefined;
    const reply = replyIn(message);
    const text = reply && textOf(reply);
    if (text === undefined) return undefined;
    texts.push(text);
    // What comes behind the end goes nowhere.
    if (reply?.parameters.triton_final_response?.boolParam) break;
  }
  return texts;
}

/** A reply that is read as it is written; undefined for an error, and where readers may differ. */
function replyIn(message: Buffer): Reply | undefined {
  try {
    const decoded = ModelStreamInferResponse.decode(message);
    if (!message.equals(ModelStreamInferResponse.encode(decoded).finish())) return undefined;
    const options = { arrays: true, objects: true, longs: Number };
    const { inferResponse, errorMessage } = ModelStreamInferResponse.toObject(decoded, options);
    return errorMessage ? undefined : (inferResponse as Reply | undefined);
  } catch {
    return undefined;
  }
}

function textOf({ outputs, rawOutputContents }: Reply): string | undefined {
  const named = outputs.filter(({ name }) => name === "text_output");
  const [text] = named;
  if (outputs.length !== rawOutputContents.length || named.length !== 1) return undefined;
  if (text?.datatype !== "BYTES" || text.shape.reduce((a, b) => a * b, 1) !== 1) return undefined;
  try {
    const raw = Buffer.from(rawOutputContents[outputs.indexOf(text)] ?? []);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw.subarray(4));
  } catch {
    return undefined;
  }
}

interface Chunk {
  error?: object;
  choices?: { delta?: { content?: string }; finish_reason: unknown }[];
}

/** Each event is JSON of OpenAI's, [DONE] comes once and last, and the texts are the model's. */
function checkStream(frames: Buffer, body: Buffer): void {
  const events = body.toString("latin1").split("\n\n");
  check(events.pop() === "", () => `it ends in the middle of an event: ${body.subarray(-200)}`);
  const isDone = events.at(-1) === "data: [DONE]";
  const chunks = (isDone ? events.slice(0, -1) : events).map((event): Chunk => {
    check(event.startsWith("data: "), () => `an event is ${event.slice(0, 300)}`);
    const json = parsed(Buffer.from(event.slice(6), "latin1"));
    check(json !== undefined, () => `it writes what is no JSON: ${event.slice(0, 500)}`);
    return json.value as Chunk;
  });
  for (const { error, choices } of chunks) {
    check(error !== undefined || Array.isArray(choices), "an event has neither choices nor an error");
    for (const { finish_reason } of choices ?? [])
      check(finish_reason === null || typeof finish_reason === "string", () => `it ends by ${finish_reason}`);
  }
  const texts = textsIn(frames);
  if (texts === undefined || chunks.some(({ error }) => error)) return;
  const told = chunks.map(({ choices }) => choices?.[0]?.delta?.content ?? "").join("");
  check(told === texts.join(""), () => `it tells ${told.slice(0, 200)}, not ${texts.join("").slice(0, 200)}`);
}

function checkWhole(path: string, body: Buffer): void {
  const json = parsed(body)?.value as Record<string, unknown> | undefined;
  check(json !== undefined, () => `it writes what is no JSON: ${body.toString("latin1").slice(0, 500)}`);
  if (json.error) return;
  if (path.endsWith("embeddings")) {
    check(Array.isArray(json.data), () => `it writes ${body}`);
    for (const { embedding } of json.data as { embedding: unknown[] }[])
      check(
        embedding.every((each) => typeof each !== "object"),
        () => `an embedding is ${JSON.stringify(embedding).slice(0, 200)}`,
      );
    return;
  }
  const [choice] = json.choices as {
    message?: { content: unknown };
    text?: unknown;
    finish_reason: unknown;
  }[];
  check(typeof (choice?.message?.content ?? choice?.text) === "string", () => `it writes ${body}`);
  check(typeof choice?.finish_reason === "string", () => `it writes ${body}`);
}

/** Calls by which each way that replies take is run. */
const CALLS = [
  { path: "/v1/chat/completions", stream: true, decoupled: true },
  { path: "/v1/chat/completions", stream: false, decoupled: true },
  { path: "/v1/completions", stream: true, decoupled: true },
  { path: "/v1/embeddings", stream: false, decoupled: true },
  { path: "/v1/chat/completions", stream: true, decoupled: false },
  { path: "/v1/embeddings", stream: false, decoupled: false },
];

type Call = (typeof CALLS)[number];

function replies(name: string, about: string, calls: Call[], generate: (random: Random) => Buffer): Target {
  return {
    name,
    about,
    async open() {
      const filter = await FuzzedFilter.start("protocol-conversion", OPEN_AI_CONFIG);
      const answer = (input: Buffer, chunkSize: number, { path, stream, decoupled }: Call): Answered => {
        filter.begin(input.length * 4 + 2000);
        // A random part of answers is the same for all: the id.
        filter.vm.process.wall = 1_800_000_000n * 1_000_000_000n;
        const call = openGenerate(filter.vm, { ...LANGUAGE_MODEL, decoupled }, path);
        const request = { model: "llm", messages: [], stream, stream_options: { include_usage: true } };
        const text = path.includes("chat") ? {} : { messages: undefined, prompt: "a", input: "a" };
        call.sendRequestBody(Buffer.from(JSON.stringify({ ...request, ...text })));
        check(!call.reply, () => `the request is refused: ${call.reply?.body}`);
        let passed = Buffer.from(call.respond([...GRPC_HEADERS], input, chunkSize, false));
        if (!call.reply) call.endResponse([["grpc-status", "0"]]);
        if (!call.reply && !stream) passed = Buffer.from(call.body);
        call.close();
        return answered(
          Buffer.from(passed.toString("latin1").replaceAll(/cmpl-[0-9a-f]{16}/g, "cmpl-"), "latin1"),
          call.reply,
        );
      };
      return {
        modules: [filter.counted],
        generate,
        mutate: mutateFrames,
        run(input) {
          const [whole, pieces] = chunkSizes(input) as [number, number];
          for (const call of calls) {
            const result = answer(input, whole, call);
            const cut = answer(input, pieces, call);
            check(result.error === cut.error && `${result.passed}` === `${cut.passed}`, () =>
              `${JSON.stringify(call)} in chunks of ${pieces}: ${result.error ?? result.passed}, ${cut.error ?? cut.passed}`.slice(
                0,
                2000,
              ),
            );
            if (!result.passed) continue;
            if (call.stream)
              checkStream(call.decoupled && call.path.includes("chat") ? input : Buffer.of(1), result.passed);
            else checkWhole(call.path, result.passed);
          }
          return undefined;
        },
      };
    },
  };
}

export const openAiReplies: readonly Target[] = [
  replies(
    "openai-stream",
    "frames of ModelStreamInferResponse -> chats, completions and embeddings of OpenAI's API: JSON, the model's texts",
    CALLS.filter(({ decoupled }) => decoupled),
    streamed,
  ),
  replies(
    "openai-reply",
    "ModelInferResponse -> a chat as a stream, and embeddings",
    CALLS.filter(({ decoupled }) => !decoupled),
    (random) => encoded(ModelInferResponse, reply(random)),
  ),
];
