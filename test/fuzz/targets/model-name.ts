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
import { check, type Target } from "../target.ts";

/** Bodies of OpenAI's API, of which the model is read as they come. */

const SERVED = "its-own-name";
const CONFIG = {
  modelName: {
    ...{ maxBodyBytes: 1_000_000, maxHeldBytes: 10_000_000, credentialHeaders: ["authorization"] },
    served: [{ model: "llm:v1", as: SERVED }],
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
  return { ...(model !== undefined && { model }), passed, refused, length };
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
}

function checkPassed(input: Buffer, { passed, length }: Got, model: string): void {
  check(length === String(passed.length), () => `content-length ${length} of ${passed.length} bytes`);
  if (model !== "llm:v1") {
    check(passed.equals(input), "the body is not what came");
    return;
  }
  const sent = parsed(passed)?.value as { model: string };
  check(sent.model === SERVED, () => `the server gets ${sent.model}`);
  sent.model = model;
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
          check(cut.passed.equals(whole.passed), "pieces pass otherwise than the whole");
          check(cut.model === whole.model, "pieces name another model");
        } else check(cut.passed.length < Number(cut.length) || cut.model === undefined, "all of it passed");
        return undefined;
      },
    };
  },
};

export const modelNames: readonly Target[] = [reads];
