import type { Random } from "../../support/mutate.ts";
import { chunkSizes, FuzzedFilter } from "../filter.ts";
import {
  anyNumber,
  anyText,
  anyValue,
  mutateBytes,
  mutateJson,
  parsed,
  Raw,
  shuffle,
  spell,
  spellText,
} from "../generate/json.ts";
import { instrumented } from "../instrument.ts";
import { countedFilter } from "../module.ts";
import { MOST_TOKENS, parsedWithSources, Source } from "../reference/usage.ts";
import { check, type Target } from "../target.ts";

/** Bodies of OpenAI's API, of which the model is read as they come. */

const SERVED = "its-own-name";
/** Models whose tokens are counted. */
const COUNTED = ["llm", "llm:v1"];
const CONFIG = {
  modelName: {
    ...{ maxBodyBytes: 1_000_000, maxHeldBytes: 10_000_000, credentialHeaders: ["authorization"] },
    served: [{ model: "llm:v1", as: SERVED }],
    counted: COUNTED,
  },
};
const MODELS = ["llm", "llm:v1", "vendor/other", "llm:v1", "é", "", "a\u0000b", "x".repeat(600)];
const KEYS = [
  "model",
  "mode",
  "models",
  "stream",
  "stream_options",
  "max_tokens",
  "MODEL",
  "Model",
  "model\u0000",
  "mod\u00e9l",
  " model",
  "",
];
const MOST_DEPTH = 256;

function member(random: Random): string {
  const key = random.pick(KEYS);
  const value = key === "model" && random.below(8) ? random.pick(MODELS) : anyValue(random, 2);
  return `${spellText(key, random)}:${spell(value, random)}`;
}

function body(random: Random): string {
  const members = [
    `${random.below(4) ? '"model"' : spellText("model", random)}:${spell(random.pick(MODELS), random)}`,
    `"messages":${spell([{ role: "user", content: anyText(random).repeat(1 + random.below(40)), model: "inner" }], random)}`,
    `"n":${anyNumber(random)}`,
    `"stream":${random.below(3) ? "true" : spell(anyValue(random, 1), random)}`,
    `"max_tokens":${random.below(3) ? random.below(5000) : spell(anyValue(random, 1), random)}`,
    ...Array.from({ length: random.below(8) ? 0 : 2 }, () => member(random)),
    `"tools":${spell(anyValue(random), random)}`,
  ].filter(() => random.below(10));
  shuffle(members, random);
  return spell(new Raw(`{${members.join(random.below(8) ? "," : " ,\n")}}`), random);
}

interface Got {
  /** The name that the gateway's filter gets to know. */
  model?: string;
  /** What goes on, all of it unless the request was refused. */
  passed: Buffer;
  refused: boolean;
  length: string | undefined;
  /** What is told of the call's cost. */
  facts?: Facts;
}

interface Facts {
  maxTokens: number;
  bodyBytes: number;
  answers: number;
  whole: boolean;
  streams: boolean;
  asksUsage: boolean;
}

/** As filters/model-protocol/call-facts.ts writes them. */
function factsOf(state: string): Facts {
  const bytes = Buffer.from(state, "latin1");
  const [maxTokens, bodyBytes, answers] = [0, 8, 16].map((at) => Number(bytes.readBigInt64LE(at)));
  const flags = bytes.readUInt8(24);
  const [whole, streams, asksUsage] = [1, 2, 4].map((flag) => (flags & flag) !== 0);
  return { maxTokens, bodyBytes, answers, whole, streams, asksUsage } as Facts;
}

/** Keys of the outermost object of a text that JSON.parse takes, in their order, each as often as it is there. */
function keysOf(text: string): { keys: string[]; depth: number } {
  const keys: string[] = [];
  let [depth, deepest] = [0, 0];
  let last: string | undefined;
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|[{}[\],:]/gs)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth);
    else if (token === "}" || token === "]") depth--;
    else if (token === ":" && depth === 1 && last) keys.push(JSON.parse(last) as string);
    last = token;
  }
  return { keys, depth: deepest };
}

/** Would a server take the key for `model`, such as one that compares without case? */
const mayBeModel = (key: string) =>
  (key.split("\0")[0] as string).replace(/[A-Z]/g, (c) => c.toLowerCase()) === "model";

function send(filter: FuzzedFilter, input: Buffer, size: number): Got {
  const stream = filter.vm.open([
    [":method", "POST"],
    [":path", "/v1/chat/completions"],
    ["authorization", "Bearer key"],
    ["content-length", String(input.length)],
  ]);
  const passed = Buffer.from(stream.sendRequestBody(input, size));
  const state = stream.filterState.get("modelgate.model");
  const length = stream.header("content-length");
  stream.close();
  const model = state?.startsWith("\0") ? state.slice(1) : undefined;
  check(state !== undefined, "nothing is told of the model");
  const refused = stream.reply !== undefined || model === undefined;
  if (stream.reply) check(stream.reply.status === 400, () => `it answers ${stream.reply?.status}`);
  const call = stream.filterState.get("modelgate.call");
  const facts = call === undefined ? undefined : factsOf(call);
  return { ...(model !== undefined && { model }), ...(facts && { facts }), passed, refused, length };
}

function checkOne(input: Buffer, got: Got): void {
  const read = parsed(input);
  const text = input.toString();
  const value = read?.value as { model?: unknown } | undefined;
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Bytes that are no UTF-8 pass in values, where JSON.parse is not asked.
  if (!read && !got.refused) check(isJsonOfBytes(input), "it takes what is no JSON");
  if (!isObject) {
    if (read) check(got.refused, "it takes what is no object");
    return;
  }
  const { keys, depth } = keysOf(text);
  const named = keys.filter(mayBeModel);
  const { model } = value;
  const isNamed = named.length === 1 && named[0] === "model" && typeof model === "string";
  const fits = isNamed && Buffer.byteLength(model) <= 512 && depth <= MOST_DEPTH;
  check(
    got.refused === !fits,
    () => `${got.refused ? "it refuses" : "it takes"} a body with ${named.join()}`,
  );
  if (got.refused || typeof model !== "string") return;
  const told = Buffer.from(got.model ?? "", "latin1").toString();
  // Escapes of characters beyond ASCII are none of a name that is known.
  if (!told.includes("\ufffd")) check(told === model, () => `it reads ${told}, JSON.parse ${model}`);
  checkPassed(input, got, model);
  checkFacts(input, got, model);
}

/** What is told of the call's cost is what the body says, where all readers read it alike. */
function checkFacts(input: Buffer, { facts }: Got, model: string): void {
  check(
    (facts !== undefined) === COUNTED.includes(model),
    "calls are told of whose tokens nobody counts, or not told of",
  );
  if (facts === undefined) return;
  check(
    facts.whole && facts.bodyBytes === input.length,
    () => `${facts.bodyBytes} bytes of ${input.length} are told`,
  );
  const body = parsedWithSources(input) as Record<string, unknown> | undefined;
  if (body === undefined) return;
  const number = (name: string) => {
    const value = body[name];
    return value instanceof Source && /^\d+$/.test(value.text)
      ? Math.min(Number(value.text), MOST_TOKENS)
      : 0;
  };
  const most = Math.max(...["max_tokens", "max_completion_tokens", "max_output_tokens"].map(number));
  check(facts.maxTokens === most, () => `it tells of ${facts.maxTokens} tokens, not ${most}`);
  check(facts.answers === Math.max(1, number("n")), () => `it tells of ${facts.answers} answers`);
  check(facts.streams === (body.stream === true), "it tells of a stream that is none, or not of one");
  if (facts.asksUsage) check(facts.streams && !("stream_options" in body), "it asks for usage unasked");
}

function checkPassed(input: Buffer, { passed, length, facts }: Got, model: string): void {
  check(length === String(passed.length), () => `content-length ${length} of ${passed.length} bytes`);
  if (model !== "llm:v1" && !facts?.asksUsage) {
    check(passed.equals(input), "the body is not what came");
    return;
  }
  const sent = parsed(passed)?.value as { model: string; stream_options?: { include_usage: boolean } };
  check(sent.model === (model === "llm:v1" ? SERVED : model), () => `the server gets ${sent.model}`);
  sent.model = model;
  if (facts?.asksUsage) {
    check(sent.stream_options?.include_usage === true, "the server is not asked for the usage");
    delete sent.stream_options;
  }
  check(JSON.stringify(sent) === JSON.stringify(parsed(input)?.value), "more than the model is changed");
}

/** Is it JSON, each byte beyond ASCII taken for a character? */
function isJsonOfBytes(input: Buffer): boolean {
  try {
    JSON.parse(input.toString("latin1"));
    return true;
  } catch {
    return false;
  }
}

const reads: Target = {
  name: "model-name",
  about: "the model in a body: JSON.parse's, once, and the body as it came, however it is cut",
  async open() {
    const filter = FuzzedFilter.configured(
      countedFilter("model-name", await instrumented("model-name", "test/wasm/model-name.ts")),
      CONFIG,
    );
    return {
      modules: [filter.counted],
      generate: (random) => Buffer.from(body(random), "latin1"),
      mutate: (one, two, random) => {
        const [a, b] = [one.toString("latin1"), two.toString("latin1")];
        if (random.below(4) === 0) return Buffer.from(mutateBytes(a, random), "latin1");
        return Buffer.from(
          mutateJson(a, b, random, ['"model"', '"mod\\u0065l"', '"llm:v1"', ":", ","]),
          "latin1",
        );
      },
      run(input) {
        filter.begin(input.length * 4 + 1000);
        const [whole, cut] = chunkSizes(input).map((size) => send(filter, input, size));
        if (!whole || !cut) return undefined;
        checkOne(input, whole);
        check(whole.refused === cut.refused, "pieces are read otherwise than the whole");
        if (!whole.refused) {
          // Only in a body that is there at once is asked for the usage.
          if (whole.facts?.asksUsage === cut.facts?.asksUsage)
            check(cut.passed.equals(whole.passed), "pieces pass otherwise than the whole");
          else checkOne(input, cut);
          check(cut.model === whole.model, "pieces name another model");
        } else check(cut.passed.length < Number(cut.length) || cut.model === undefined, "all of it passed");
        return undefined;
      },
    };
  },
};

export const modelNames: readonly Target[] = [reads];
