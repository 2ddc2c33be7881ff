import { readsAlike } from "../generate/json.ts";

/** The usage of an answer of OpenAI's API, as JSON.parse reads it. */
export interface Usage {
  input: number;
  output: number;
  cached: number;
  reasoning: number;
}

/** No answer told of its usage. */
export const NOTHING: Usage = { input: -1, output: -1, cached: -1, reasoning: -1 };

const NAMES: Record<string, keyof Usage> = {
  prompt_tokens: "input",
  input_tokens: "input",
  completion_tokens: "output",
  output_tokens: "output",
  cached_tokens: "cached",
  reasoning_tokens: "reasoning",
};
const DETAILS = [
  ...["prompt_tokens_details", "input_tokens_details", "completion_tokens_details", "output_tokens_details"],
];
/** As in filters/model-protocol/call-facts.ts. */
export const MOST_TOKENS = 1e12;
const MOST_DEPTH = 256;

/**
 * What is known behind an answer or an event.
 * @param json its bytes @param before what was known before
 * @returns undefined where readers may differ: it is no JSON, or has a member twice
 */
export function expectedUsage(json: Buffer, before: Usage): Usage | undefined {
  const value = parsedWithSources(json);
  if (value === undefined) return undefined;
  let usage = before;
  const take = (object: unknown): void => {
    if (!isObject(object)) return;
    for (const [name, each] of Object.entries(object)) {
      const kind = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
      if (DETAILS.includes(name)) take(each);
      else if (kind !== undefined && each instanceof Source && /^\d+$/.test(each.text))
        usage = { ...(usage === NOTHING ? ZERO : usage), [kind]: Math.min(Number(each.text), MOST_TOKENS) };
    }
  };
  if (!isObject(value)) return usage;
  for (const [name, each] of Object.entries(value)) {
    if (name === "usage") take(each);
    else if (name === "response" && isObject(each)) take(each.usage);
  }
  return usage;
}

const ZERO: Usage = { input: 0, output: 0, cached: 0, reasoning: 0 };

/** A number as it is written. */
export class Source {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Source);
}

/** Node 24 tells a reviver how a primitive is written. */
type Reviver = (key: string, value: unknown, context: { source?: string }) => unknown;

/** What JSON that all readers read alike says, its numbers as they are written; undefined for any other. */
export function parsedWithSources(json: Buffer): unknown {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(json);
    if (!readsAlike(text) || depthOf(text) > MOST_DEPTH) return undefined;
    const reviver: Reviver = (_key, value, { source }) =>
      typeof value === "number" && source !== undefined ? new Source(source) : value;
    return JSON.parse(text, reviver as never);
  } catch {
    return undefined;
  }
}

function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"|[{}[\]]/g)) {
    if (token === "{" || token === "[") deepest = Math.max(deepest, ++depth);
    else if (token === "}" || token === "]") depth--;
  }
  return deepest;
}
