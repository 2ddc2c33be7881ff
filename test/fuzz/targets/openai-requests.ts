import { LANGUAGE_MODEL, OPEN_AI, openGenerate, sentOf, textsOf } from "../../support/generate.ts";
import type { Random } from "../../support/mutate.ts";
import { chunkSizes, FuzzedFilter } from "../filter.ts";
import { anyText, anyValue, mutateJson, parsed, readsAlike, spell } from "../generate/json.ts";
import { check, type Target } from "../target.ts";

/** Requests of OpenAI's API, of which a model of the Open Inference Protocol gets tensors. */

export const OPEN_AI_CONFIG = {
  protocolConversion: {
    tasks: [{ taskid: "1", openAi: OPEN_AI }],
    maxRequestBytes: 1_000_000,
    maxResponseBytes: 200_000,
  },
};
const PATHS = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings"];
const WORDS = [
  ...['"messages"', '"role"', '"content"', '"type"', '"text"', '"user"', '"prompt"', '"input"', '"stop"'],
  ...['"stream"', '"stream_options"', '"include_usage"', '"n"', '"max_tokens"', '"top_p"', "true", "1"],
];

export interface Answered {
  passed?: Buffer;
  status?: number;
  error?: string;
}

/** What came of a request: what goes on, or an error as OpenAI's API has them. */
export function answered(
  passed: Uint8Array,
  reply: { status: number; body: string; details: string } | undefined,
): Answered {
  if (!reply) return { passed: Buffer.from(passed) };
  const { error } = JSON.parse(reply.body) as { error: Record<string, unknown> };
  check(reply.status >= 400 && reply.status < 600, () => `it answers ${reply.status}`);
  check(typeof error?.message === "string" && error.message !== "", () => `it answers ${reply.body}`);
  check(error.code === reply.details, () => `it answers ${reply.body} for ${reply.details}`);
  return { status: reply.status, error: error.message as string };
}

function message(random: Random): unknown {
  if (random.below(30) === 0) return anyValue(random, 2);
  const part = () =>
    random.below(12) ? { type: "text", text: anyText(random) } : { type: "image_url", image_url: {} };
  const parts = () => Array.from({ length: random.below(4) }, part);
  return {
    role: random.below(12) ? random.pick(["user", "system", "assistant", "é"]) : anyValue(random, 1),
    content: random.pick([() => anyText(random), () => anyText(random).repeat(40), parts, () => null])(),
    name: random.below(6) ? undefined : anyText(random),
  };
}

function body(random: Random): string {
  const texts = Array.from({ length: random.below(3) }, () => anyText(random));
  const members: [string, unknown][] = [
    ["model", random.below(12) ? anyText(random) : anyValue(random, 1)],
    ["messages", Array.from({ length: random.below(4) }, () => message(random))],
    ["prompt", random.below(2) ? anyText(random) : texts],
    ["input", random.below(2) ? anyText(random) : texts],
    ["stream", random.below(2) === 0],
    ["stream_options", { include_usage: random.below(2) === 0, x: anyValue(random, 1) }],
    ["max_tokens", random.below(2 ** 31)],
    ["temperature", random.below(200) / 100],
    ["stop", random.below(2) ? anyText(random) : texts],
    ["top_p", 0.5],
    ["n", random.below(4) ? 1 : random.below(3)],
    ["user", anyValue(random, 2)],
    ["tools", random.below(3) ? null : anyValue(random, 2)],
  ];
  const kept = members.filter(([name]) => random.below(name === "messages" ? 8 : 3));
  return spell(Object.fromEntries(kept), random);
}

type Members = Record<string, unknown>;

/** The text that the template makes of messages; undefined when they are none that it takes. */
function chatText(messages: unknown): string | undefined {
  if (!Array.isArray(messages)) return undefined;
  const said = messages.map((each) => {
    const { role, content } = (each ?? {}) as Members;
    if (typeof role !== "string" || role === "") return undefined;
    const texts = Array.isArray(content) ? content : [content ?? ""];
    const parts = texts.map((part) =>
      typeof part === "string" && content === part ? part : (part?.text ?? part),
    );
    return parts.every((part) => typeof part === "string") ? `<|${role}|>${parts.join("")}</s>` : undefined;
  });
  return said.includes(undefined) ? undefined : `<s>${said.join("")}<|assistant|>`;
}

/** What the model must get as its text. */
function textsFor(path: string, json: Members): string[] | undefined {
  if (path === PATHS[0]) {
    const chat = chatText(json.messages);
    return chat === undefined ? undefined : [chat];
  }
  const given = path === PATHS[1] ? json.prompt : json.input;
  return ([given].flat(9) as unknown[]).every((each) => typeof each === "string")
    ? ([given].flat(9) as string[])
    : undefined;
}

function checkSent(path: string, json: Members, passed: Buffer): void {
  const { inputs, parameters } = sentOf(passed);
  const same = (a: unknown, b: unknown, what: string) =>
    check(
      JSON.stringify(a) === JSON.stringify(b),
      () => `${what} is ${JSON.stringify(a)} for ${JSON.stringify(b)}`,
    );
  const textInput = inputs.text_input;
  check(textInput !== undefined, "the model gets no text");
  same(textsOf(textInput.data), textsFor(path, json), "the text");
  same(inputs.stream?.data[0], Number(json.stream === true), "stream");
  same(
    parameters.triton_enable_empty_final_response,
    json.stream === true ? true : undefined,
    "the end's mark",
  );
  if (typeof json.max_tokens === "number")
    same(inputs.max_tokens?.data.readInt32LE(), json.max_tokens, "max_tokens");
  if (typeof json.temperature === "number")
    same(inputs.temp?.data.readFloatLE(), Math.fround(json.temperature), "temperature");
  if (json.stop !== undefined && json.stop !== null)
    same(textsOf(inputs.stop?.data ?? Buffer.of()), [json.stop].flat(9), "stop");
  if (typeof json.top_p === "number") same(parameters.top_p, json.top_p, "top_p");
  check(json.n === undefined || json.n === null || json.n === 1, () => `it takes n ${json.n}`);
  check(json.tools === undefined || json.tools === null || json.tools === false, "it takes tools");
}

/** Is it a chat that nobody could refuse? */
function isPlainChat(json: Members): boolean {
  const { model, messages, stream = false, ...others } = json;
  if (Object.keys(others).length > 0 || typeof model !== "string" || typeof stream !== "boolean")
    return false;
  const isPlain = (each: unknown) => {
    const { role, content, ...more } = (each ?? {}) as Members;
    return (
      typeof role === "string" && role !== "" && typeof content === "string" && Object.keys(more).length === 0
    );
  };
  return Array.isArray(messages) && messages.every(isPlain);
}

const requests: Target = {
  name: "openai-request",
  about: "JSON of OpenAI's API -> ModelInferRequest: texts and values as JSON.parse has them, or an error",
  async open() {
    const filter = await FuzzedFilter.start("protocol-conversion", OPEN_AI_CONFIG);
    const send = (input: Buffer, chunkSize: number, path: string): Answered => {
      filter.begin(input.length * 4 + 2000);
      const stream = openGenerate(filter.vm, LANGUAGE_MODEL, path);
      const passed = stream.sendRequestBody(input, chunkSize);
      stream.close();
      return answered(passed, stream.reply);
    };
    return {
      modules: [filter.counted],
      generate: (random) => Buffer.from(body(random), "latin1"),
      mutate: (one, two, random) => {
        const text = mutateJson(one.toString("latin1"), two.toString("latin1"), random, WORDS);
        return Buffer.from(text.slice(0, 65_536), "latin1");
      },
      run(input) {
        const [whole, pieces] = chunkSizes(input) as [number, number];
        for (const path of PATHS) {
          const result = send(input, whole, path);
          const cut = send(input, pieces, path);
          check(
            JSON.stringify(result) === JSON.stringify(cut),
            () => `${path} in chunks of ${pieces}: ${result.error ?? "taken"}, ${cut.error ?? "taken"}`,
          );
          const json = parsed(input)?.value as Members | undefined;
          const isObject = typeof json === "object" && json !== null && !Array.isArray(json);
          if (result.passed) check(isObject, "it takes what is no object");
          if (!isObject || !readsAlike(input.toString())) continue;
          if (result.passed) checkSent(path, json, result.passed);
          else if (path === PATHS[0]) check(!isPlainChat(json), () => `it refuses a chat: ${result.error}`);
        }
        return undefined;
      },
    };
  },
};

export const openAiRequests: readonly Target[] = [requests];
