import type { Random } from "../../support/mutate.ts";
import {
  anyNumber,
  anyText,
  anyValue,
  mutateBytes,
  mutateJson,
  parsed,
  Raw,
  readsAlike,
  spell,
} from "../generate/json.ts";
import { countedModule } from "../module.ts";
import { expectedUsage, NOTHING, type Usage } from "../reference/usage.ts";
import { check, type Harness, hashOf, type Target } from "../target.ts";

/** Answers of language models: the usage that they tell, and the event with it that callers do not get. */

interface Events {
  allocate(size: number): number;
  reset(): void;
  addEvents(ptr: number, len: number): void;
  addJson(ptr: number, len: number): void;
  events(): number;
  tokens(kind: number): number;
  hide(ptr: number, len: number): number;
  flush(): number;
  pieceCount(): number;
  passed(): number;
}

const latin1 = (text: string) => Buffer.from(text, "latin1");
const MOST_BYTES = 65_536;
const STEPS_A_BYTE = 300;

const WORDS = [
  ...['"usage"', '"choices"', '"choices":[]', '"prompt_tokens"', '"input_tokens"', '"completion_tokens"'],
  ...['"output_tokens"', '"prompt_tokens_details"', '"output_tokens_details"', '"cached_tokens"', "7"],
  ...['"reasoning_tokens"', '"response"', "null", "\n\n", "\r\n", "\ndata: ", "data:", "[DONE]", ": ping\n"],
];

function count(random: Random): unknown {
  if (random.below(3)) return random.below(10 ** (1 + random.below(6)));
  return random.below(2) ? new Raw(anyNumber(random)) : anyValue(random, 1);
}

function usageOf(random: Random): unknown {
  if (random.below(6) === 0) return random.below(2) ? null : anyValue(random, 2);
  const members: [string, unknown][] = [
    [random.below(4) ? "prompt_tokens" : "input_tokens", count(random)],
    [random.below(4) ? "completion_tokens" : "output_tokens", count(random)],
    ["total_tokens", count(random)],
    ["prompt_tokens_details", { cached_tokens: count(random), audio_tokens: 0 }],
    ["completion_tokens_details", { reasoning_tokens: count(random), x: anyValue(random, 2) }],
  ];
  return Object.fromEntries(members.filter(() => random.below(4)));
}

function answer(random: Random): unknown {
  const usage = random.below(3) ? usageOf(random) : undefined;
  const choices = random.pick<unknown>([[], [{ delta: { content: anyText(random) } }], undefined, {}]);
  const plain = { id: "chatcmpl-1", choices, usage };
  if (random.below(6) === 0) return { type: "response.completed", response: plain };
  return random.below(4) ? plain : { ...plain, [anyText(random)]: anyValue(random) };
}

function stream(random: Random): string {
  const end = random.below(4) ? "\n" : "\r\n";
  const event = () => {
    if (random.below(8) === 0) return `: ping${end}${end}`;
    if (random.below(8) === 0) return `data: [DONE]${end}${end}`;
    const field = random.pick(["data: ", "data: ", "data:", "data:  ", "id: 1\ndata: ", "event: x\ndata: "]);
    const json = random.below(2) ? JSON.stringify(answer(random), rawless) : spell(answer(random), random);
    return `${field}${json}${end}${random.below(12) ? end : ""}`;
  };
  return Array.from({ length: 1 + random.below(6) }, event).join("");
}

/** Numbers that must stand as they are written have no plain spelling. */
const rawless = (_key: string, value: unknown) => (value instanceof Raw ? 5 : value);

const mutated = (one: Buffer, two: Buffer, random: Random) => {
  const [a, b] = [one.toString("latin1"), two.toString("latin1")];
  const text = random.below(5) ? mutateJson(a, b, random, WORDS) : mutateBytes(a, random);
  return latin1(text.slice(0, MOST_BYTES));
};

/** Sizes of the pieces of an input, as many as it takes, which the input itself chooses. */
function* pieces(input: Buffer): Generator<Buffer> {
  let hash = hashOf(input);
  for (let at = 0; at < input.length; ) {
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0;
    const size = hash % 5 === 0 ? 1 + (hash % 300) : 1 + (hash % 9);
    yield input.subarray(at, at + size);
    at += size;
  }
}

async function opened() {
  const { wasm, counted } = await countedModule<Events>("token-events");
  const at = wasm.allocate(MOST_BYTES * 2);
  return {
    counted,
    wasm,
    reset(bytes: number): void {
      counted.start(20_000 + STEPS_A_BYTE * bytes);
      wasm.reset();
    },
    /** Gives it bytes, by one of its functions. */
    give<Result>(bytes: Uint8Array, add: (ptr: number, len: number) => Result): Result {
      new Uint8Array(wasm.memory.buffer).set(bytes, at);
      return add(at, bytes.length);
    },
    passed: (length: number) => Buffer.from(wasm.memory.buffer, wasm.passed(), length).toString("latin1"),
    usage(): Usage {
      const [input, output, cached, reasoning] = [0, 1, 2, 3].map((kind) => wasm.tokens(kind));
      return input === -1 ? NOTHING : ({ input, output, cached, reasoning } as Usage);
    },
  };
}

type Opened = Awaited<ReturnType<typeof opened>>;

/** Runs an input in pieces and as a whole. @returns what both told */
function usageIn({ reset, give, usage, wasm }: Opened, input: Buffer, add: "addEvents" | "addJson"): Usage {
  reset(input.length);
  for (const piece of pieces(input)) give(piece, wasm[add]);
  const cut = { ...usage(), events: wasm.events() };
  reset(input.length);
  give(input, wasm[add]);
  const whole = { ...usage(), events: wasm.events() };
  check(
    JSON.stringify(cut) === JSON.stringify(whole),
    () => `in pieces ${text(cut)}, as a whole ${text(whole)}`,
  );
  return usage();
}

const text = (value: unknown) => JSON.stringify(value);

const json: Target = {
  name: "token-usage",
  about: "the usage of a JSON answer: that which JSON.parse reads, however it is cut",
  async open(): Promise<Harness> {
    const module = await opened();
    return {
      modules: [module.counted],
      generate: (random) => latin1(spell(answer(random), random)),
      mutate: mutated,
      run(input) {
        const told = usageIn(module, input, "addJson");
        const expected = expectedUsage(input, NOTHING);
        if (expected)
          check(text(told) === text(expected), () => `it reads ${text(told)}, not ${text(expected)}`);
        return undefined;
      },
    };
  },
};

/**
 * Lines of a stream, by HTML's section 9.2.6, each with its end; what stands behind the last end is no line.
 */
const LINE = /[^\r\n]*(?:\r\n|\n|\r)/g;

const events: Target = {
  name: "event-lines",
  about: "the usage of an event stream, line by line, and how many events it has",
  async open(): Promise<Harness> {
    const module = await opened();
    const { wasm } = module;
    return {
      modules: [module.counted],
      generate: (random) => latin1(stream(random)),
      mutate: mutated,
      run(input) {
        usageIn(module, input, "addEvents");
        module.reset(input.length);
        let counted = 0;
        for (const [line] of input.toString("latin1").matchAll(LINE)) {
          const before = module.usage();
          module.give(latin1(line), wasm.addEvents);
          const data = /^data:([^\r\n]*)/.exec(line)?.[1];
          const expected = data === undefined ? before : expectedUsage(latin1(data), before);
          const told = module.usage();
          if (expected)
            check(text(told) === text(expected), () => `it reads ${text(told)}, not ${text(expected)}`);
          if (data !== undefined && !/^ *(?:\[DONE\])?$/.test(data)) counted++;
          check(wasm.events() === counted, () => `it counts ${wasm.events()} events, not ${counted}`);
        }
        return undefined;
      },
    };
  },
};

/** An event of one data line, in front of which there is no brace: of others, only bytes are compared. */
const EVENT = /^(?:[a-z]*:[^{\n]*\n)*data: ?(?<data>[^\n]*)\n\r*\n$/;
/** Members that have a piece of an answer. */
const TEXTS = ["content", "text", "reasoning_content", "reasoning", "refusal", "arguments"];

/** The data of an event that all readers of JSON read alike; undefined for any other. */
function dataOf(event: string): Record<string, unknown> | undefined {
  const data = EVENT.exec(event)?.groups?.data;
  const value = data === undefined ? undefined : parsed(latin1(data))?.value;
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  // Names are compared as they are written.
  const isPlain = data !== undefined && !/\\[u"][^:]*"\s*:/.test(data) && readsAlike(data);
  return isObject && isPlain ? (value as Record<string, unknown>) : undefined;
}

function isUsageAlone({ usage, choices }: Record<string, unknown>): boolean {
  const isObject = typeof usage === "object" && usage !== null && !Array.isArray(usage);
  return isObject && Array.isArray(choices) && choices.length === 0;
}

function hasText(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(
    ([name, each]) =>
      (!Array.isArray(value) && TEXTS.includes(name) && typeof each === "string" && each !== "") ||
      hasText(each),
  );
}

/** What goes on of an event, as JSON; undefined when it is kept back. */
function expectedOf(data: Record<string, unknown>): unknown {
  if (isUsageAlone(data)) return undefined;
  const { usage, ...others } = data;
  return usage === null ? others : data;
}

const sorted = (value: unknown) =>
  JSON.stringify(value, (_key, each) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );

const hides: Target = {
  name: "hidden-usage",
  about:
    "a stream without its usage: events are left out and changed as JSON.parse reads them, others as they came",
  async open(): Promise<Harness> {
    const module = await opened();
    const { wasm, give, passed } = module;
    const run = (parts: Iterable<Buffer>, bytes: number) => {
      module.reset(bytes);
      const kept = [...parts].map((part) => passed(give(part, wasm.hide)));
      return kept.join("") + passed(wasm.flush());
    };
    return {
      modules: [module.counted],
      generate: (random) => latin1(stream(random)),
      mutate: mutated,
      run(input) {
        const kept = run([input], input.length);
        const cut = run(pieces(input), input.length);
        check(kept === cut, () => `in pieces ${text(cut)}, as a whole ${text(kept)}`);
        for (const event of input.toString("latin1").match(/.*?\n\r*\n|.+$/gs) ?? []) {
          const data = dataOf(event);
          if (data === undefined) continue;
          const goesOn = run([latin1(event)], event.length);
          const expected = expectedOf(data);
          const told = goesOn === "" ? undefined : dataOf(goesOn);
          check(sorted(told) === sorted(expected), () => `of ${text(event)} goes on ${text(goesOn)}`);
          if (expected === data)
            check(goesOn === event, () => `it changes ${text(event)} to ${text(goesOn)}`);
          const { choices } = data;
          const isPiece = goesOn !== "" && ("choices" in data ? hasText(choices) : "delta" in data);
          check(
            wasm.pieceCount() === Number(isPiece),
            () => `pieces in ${text(event)}: ${wasm.pieceCount()}`,
          );
        }
        return undefined;
      },
    };
  },
};

export const tokenUsage: readonly Target[] = [json, events, hides];
