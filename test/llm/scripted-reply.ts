import type { Random } from "../support/random.ts";

/** Replies as a model server with every feature would make them, drawn at random. */

interface Asked {
  model?: string;
  stream?: boolean;
  stream_options?: { include_usage?: boolean } | null;
  n?: number;
  max_tokens?: number;
  logprobs?: boolean | number | null;
  tools?: unknown[];
  input?: unknown;
}

const PIECES = [
  ...'Hello| world|,| the|\n\n|é|ß|你|好|🙂|👩‍💻| λόγος|data: |[DONE]|"|\\|\u2028|</s>|{}|\u0001| '.split(
    "|",
  ),
  "a longer piece of text that stands in for what some servers send at once ".repeat(3),
];
const FINISHES = ["stop", "length", "content_filter"];

/** @returns the JSON of the reply to a call that does not stream */
export function wholeReply(random: Random, path: string, asked: Asked): string {
  if (path.endsWith("/embeddings")) return spelled(random, embeddings(random, asked));
  if (path.endsWith("/responses")) return spelled(random, response(random, asked, "completed"));
  const choices = Array.from({ length: asked.n ?? 1 }, (_, index) => {
    const text = pieces(random).join("");
    const about = { index, finish_reason: pick(random, FINISHES), logprobs: null };
    if (!path.endsWith("/chat/completions")) return { ...about, text };
    const calls = asked.tools ? [toolCall(0, random, '{"unit":"celsius","days":true}')] : undefined;
    return {
      ...about,
      message: { role: "assistant", content: calls ? null : text, refusal: null, tool_calls: calls },
    };
  });
  return spelled(random, { ...head(random, path, asked), choices, usage: usage(random) });
}

/** @returns the events of a stream, each without its blank line */
export function streamedReply(random: Random, path: string, asked: Asked): string[] {
  if (path.endsWith("/responses")) return responseEvents(random, asked);
  const about = { ...head(random, path, asked), object: objectOf(path, true) };
  const include = asked.stream_options?.include_usage === true;
  const chunk = (choices: object[], more = {}) =>
    `data: ${spelled(random, { ...about, choices, ...(include && { usage: null }), ...more })}`;
  const queues = Array.from({ length: asked.n ?? 1 }, (_, index) =>
    path.endsWith("/chat/completions") ? chatDeltas(random, asked, index) : textDeltas(random, index),
  );
  const events: string[] = [];
  for (let left = queues; left.length > 0; left = left.filter((queue) => queue.length > 0)) {
    const next = pick(random, left).shift();
    if (next) events.push(chunk([next]));
  }
  if (include) events.push(chunk([], { usage: usage(random) }));
  return [...events, "data: [DONE]"];
}

function chatDeltas(random: Random, { tools, logprobs }: Asked, index: number): object[] {
  const delta = (content: object, finish_reason: string | null = null, more = {}) => ({
    ...{ index, delta: content, finish_reason, ...more },
  });
  const calls = tools && random.below(2) === 0;
  const thoughts = random.below(8) === 0 ? pieces(random) : [];
  return [
    delta({ role: "assistant", content: calls ? null : "" }),
    ...thoughts.map((reasoning_content) => delta({ reasoning_content })),
    ...(calls
      ? [
          delta({ tool_calls: [toolCall(0, random, "")] }),
          ...['{"unit":', '"cel', 'sius","days":true}'].map((part) =>
            delta({ tool_calls: [{ index: 0, function: { arguments: part } }] }),
          ),
        ]
      : pieces(random).map((content) =>
          delta({ content }, null, logprobs ? { logprobs: logprob(random, content) } : {}),
        )),
    delta({}, calls ? "tool_calls" : pick(random, FINISHES)),
  ];
}

function textDeltas(random: Random, index: number): object[] {
  const texts = pieces(random).map((text) => ({
    index,
    text,
    logprobs: null,
    finish_reason: null as string | null,
  }));
  return [...texts, { index, text: "", logprobs: null, finish_reason: pick(random, FINISHES) }];
}

function responseEvents(random: Random, asked: Asked): string[] {
  const event = (type: string, more: object) => `event: ${type}\ndata: ${spelled(random, { type, ...more })}`;
  let sequence_number = 0;
  const about = { item_id: "msg_1", output_index: 0, content_index: 0 };
  return [
    event("response.created", { sequence_number, response: response(random, asked, "in_progress") }),
    ...pieces(random).map((delta) =>
      event("response.output_text.delta", {
        ...about,
        delta,
        logprobs: [],
        sequence_number: ++sequence_number,
      }),
    ),
    event("response.completed", {
      sequence_number: ++sequence_number,
      response: response(random, asked, "completed"),
    }),
  ];
}

function response(random: Random, { model }: Asked, status: string): object {
  const content = [{ type: "output_text", text: pieces(random).join(""), annotations: [], logprobs: [] }];
  return {
    ...{ id: id("resp", random), object: "response", created_at: random.below(2 ** 31), status, model },
    ...{ parallel_tool_calls: true, tool_choice: "auto", tools: [], error: null },
    output:
      status === "completed" ? [{ id: "msg_1", type: "message", role: "assistant", status, content }] : [],
    usage: status === "completed" ? { input_tokens: 3, output_tokens: 5, total_tokens: 8 } : null,
  };
}

function embeddings(random: Random, { model, input }: Asked): object {
  const inputs = Array.isArray(input) ? input : [input];
  const data = inputs.map((_, index) => ({
    ...{ object: "embedding", index },
    embedding: Array.from({ length: 16 }, () => Math.fround(random.next() * 2 - 1)),
  }));
  return { object: "list", model, data, usage: { prompt_tokens: 4, total_tokens: 4 } };
}

function head(random: Random, path: string, { model }: Asked): object {
  return { id: id("cmpl", random), object: objectOf(path, false), created: random.below(2 ** 31), model };
}

function objectOf(path: string, isChunk: boolean): string {
  if (!path.endsWith("/chat/completions")) return "text_completion";
  return isChunk ? "chat.completion.chunk" : "chat.completion";
}

function toolCall(index: number, random: Random, written: string): object {
  return {
    index,
    id: id("call", random),
    type: "function",
    function: { name: "get_weather", arguments: written },
  };
}

function logprob(random: Random, token: string): object {
  const one = { token, logprob: -random.next(), bytes: [...Buffer.from(token)] };
  return { content: [{ ...one, top_logprobs: [one] }], refusal: null };
}

function usage(random: Random): object {
  const [prompt_tokens, completion_tokens] = [random.below(1000), random.below(1000)];
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}

function pieces(random: Random): string[] {
  return Array.from({ length: 1 + random.below(12) }, () => pick(random, PIECES));
}

function id(prefix: string, random: Random): string {
  return `${prefix}-${random.bytes(8).toString("hex")}`;
}

function pick<T>(random: Random, from: T[]): T {
  return from[random.below(from.length)] as T;
}

/** JSON with what is not ASCII as it is, or as escapes. */
function spelled(random: Random, value: object): string {
  const json = JSON.stringify(value);
  if (random.below(2) === 0) return json;
  return json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
