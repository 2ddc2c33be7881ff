import type { Case } from "./cases.ts";

/** Triton's generate extension: a decoupled model of language, and one whose inputs have shapes of all kinds. */

type Fields = Record<string, unknown>;

function post(name: string, path: string, body: string | Fields): Case {
  return {
    name,
    method: "POST",
    path,
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** To both operations of the model `llm`. */
const both = (name: string, body: string | Fields): Case[] => [
  post(`generate: ${name}`, "/v2/models/llm/generate", body),
  post(`generate_stream: ${name}`, "/v2/models/llm/generate_stream", body),
];
const shapes = (name: string, body: Fields) => post(`shapes: ${name}`, "/v2/models/shapes/generate", body);

const PROMPT = { text_input: 'a pröm\u{1f600}pt of "five" words' };

export const GENERATE: Case[] = [
  ...both("a prompt", PROMPT),
  ...both("an id", { ...PROMPT, id: "42" }),
  ...both("an id of a number", { ...PROMPT, id: 42 }),
  ...both("an empty id", { ...PROMPT, id: "" }),
  ...both("a stream of words", { ...PROMPT, stream: true }),
  ...both("a stream of one word", { text_input: "word", stream: true }),
  ...both("inputs in parameters", {
    ...PROMPT,
    parameters: { stream: true, max_tokens: 2, temperature: 0.1 },
  }),
  ...both("lists", { text_input: ["x y"], stream: [true], stop: ["b", "c"], pairs: [1, 2, 3, 4] }),
  ...both("lists in lists", { text_input: [["x"]], stop: [["b"]] }),
  ...both("an empty list", { ...PROMPT, stop: [] }),
  ...both("parameters of all kinds", {
    ...PROMPT,
    p_i: 3,
    p_f: 0.5,
    parameters: { p_s: "é", p_b: true, p_n: -1 },
  }),
  ...both("a large integer as a parameter", { ...PROMPT, p_big: 2 ** 53 - 1 }),
  ...both("a parameter of null", { ...PROMPT, p_x: null }),
  ...both("a parameter that is a list", { ...PROMPT, p_x: [1] }),
  ...both("a parameter that is an object", { ...PROMPT, p_x: { a: 1 } }),
  ...both("parameters null", { ...PROMPT, parameters: null }),
  ...both("a number for a text", { text_input: 5 }),
  ...both("a text for a boolean", { ...PROMPT, stream: "true" }),
  ...both("a fraction for an integer", { ...PROMPT, max_tokens: 1.5 }),
  ...both("an integer beyond its datatype", { ...PROMPT, max_tokens: 2 ** 40 }),
  ...both("a negative seed", { ...PROMPT, seed: -1 }),
  ...both("null for an input", { ...PROMPT, max_tokens: null }),
  ...both("two texts for one", { text_input: ["a", "b"] }),
  ...both("an odd list of pairs", { ...PROMPT, pairs: [1, 2, 3] }),
  ...both("an input twice", '{"text_input":"a","text_input":"b"}'),
  ...both("no inputs", {}),
  ...both("half a JSON", '{"text_input":'),
  ...both("a list", "[]"),
  ...both("an error before the first word", { ...PROMPT, stream: true, FAIL: 0 }),
  ...both("an error behind two words", { ...PROMPT, stream: true, FAIL: 2 }),
  ...both("no words", { text_input: "", stream: true }),
  ...both("unicode and escapes", '{"text_input":"\\u0041\\ud83d\\ude00\\n\\"\\\\ \\u00fc"}'),
  shapes("a scalar", { one: 7 }),
  shapes("a batch of scalars", { one: [7, 8] }),
  shapes("a batch of fixed size", { texts: ["a", "b", "c", "d"] }),
  shapes("free dimensions", { flags: [true, false, true], free: [1, 2.5] }),
  shapes("a free one beside a fixed one", { pairs: [1, 2, 3, 4] }),
  shapes("numbers that are whole", { free: [1, 1e3, -0.5] }),
  post("generate of a version", "/v2/models/llm/versions/1/generate", PROMPT),
  post("generate_stream of a version", "/v2/models/llm/versions/1/generate_stream", PROMPT),
  post("generate of no version", "/v2/models/llm/versions/9/generate", PROMPT),
  post("generate of no model", "/v2/models/none/generate", PROMPT),
  post("generate_stream of no model", "/v2/models/none/generate_stream", PROMPT),
  post("generate_stream of a model that is not decoupled", "/v2/models/shapes/generate_stream", { one: 7 }),
  post("generate_stream of a model that fails", "/v2/models/fails/generate_stream", { X: "INTERNAL" }),
  post("generate of a model that fails", "/v2/models/fails/generate", { X: "UNAVAILABLE" }),
  post("generate of several replies", "/v2/models/repeat/generate", { COUNT: 2 }),
  post("generate of no reply", "/v2/models/repeat/generate", { COUNT: 0 }),
  post("generate_stream of no reply", "/v2/models/repeat/generate_stream", { COUNT: 0 }),
  { name: "GET generate", method: "GET", path: "/v2/models/llm/generate", headers: {} },
];
