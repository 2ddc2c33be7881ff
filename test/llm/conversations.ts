import type { Random } from "../support/random.ts";

/** Which part of OpenAI's API is called. */
type Api = "chat" | "completions" | "embeddings" | "responses";

/** What a client is told to ask. */
export interface Conversation {
  api: Api;
  /** As the body of the request has them. */
  parameters: Record<string, unknown>;
  /** Chunks after which the client hangs up. */
  abortAfter?: number;
}

/** The two servers of the lane differ in what they can do. */
interface Can {
  model: string;
  /**
   * A real server with a random model: it calls a tool only where it must, when its grammar leaves no choice; of
   * several choices the faster one comes first in a stream, and what it computes together is rounded together.
   */
  isReal: boolean;
}

const TEXTS = [
  ..."hello|what is the capital of France?|say nothing|tell me a story about a fox|你好，世界|🙂🚀👩‍💻 emoji".split(
    "|",
  ),
  ...['quotes " and \\ back\\slashes', "line\nbreaks\r\n\tand tabs", "\u0000\u001f\u007f\u2028 controls"],
  ...[
    '{"model": "other", "messages": []}',
    "data: [DONE]\n\n",
    "",
    " ",
    "é".repeat(100),
    "long ".repeat(100),
  ],
];
const STOPS = ["the", " and", "\n", "é", "zebra", "🙂", "ing"];
const ROLES = ["system", "user", "assistant", "user", "user"];
const WEATHER = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather at a place",
    parameters: {
      type: "object",
      properties: { unit: { enum: ["celsius", "fahrenheit"] }, days: { type: "boolean" } },
      required: ["unit", "days"],
    },
  },
};
const ANSWER_SCHEMA = {
  type: "json_schema",
  json_schema: {
    name: "answer",
    schema: { type: "object", properties: { sure: { type: "boolean" } }, required: ["sure"] },
  },
};
const PICTURE = { type: "image_url", image_url: { url: "https://pictures.example/cat.png", detail: "low" } };

/** Conversations that a client can hold: LangChain's has chats only. */
export function conversations(random: Random, count: number, can: Can & { client: string }): Conversation[] {
  const held: Conversation[] = [];
  while (held.length < count) {
    const conversation = randomConversation(random, can);
    if (can.client !== "LangChain" || conversation.api === "chat") held.push(conversation);
  }
  return held;
}

/** A conversation in which anything that clients may ask for can come up. */
function randomConversation(random: Random, can: Can): Conversation {
  const chance = (percent: number) => random.below(100) < percent;
  const kind = random.below(20);
  const common = { model: can.model, temperature: 0, seed: random.below(1000) };
  if (kind === 0)
    return {
      api: "embeddings",
      parameters: { model: can.model, input: texts(random, 1 + random.below(can.isReal ? 1 : 3)) },
    };
  const stream = chance(70);
  if (kind === 1) {
    const parameters = { ...common, seed: undefined, input: text(random), max_output_tokens: 8, stream };
    return { api: "responses", parameters: defined(parameters) };
  }
  const hasChoices = chance(20) && !(can.isReal && stream);
  const isScored = chance(20) && !(can.isReal && hasChoices);
  const asked = {
    ...common,
    max_tokens: 1 + random.below(24),
    ...(stream && { stream, ...(chance(50) && { stream_options: { include_usage: true } }) }),
    ...(chance(25) && { stop: texts(random, 1 + random.below(3), STOPS) }),
    ...(hasChoices && { n: 2 + random.below(2) }),
  };
  const abort = stream && chance(10) ? { abortAfter: 1 + random.below(4) } : {};
  if (kind < 5)
    return {
      api: "completions",
      parameters: { ...asked, prompt: text(random), ...(isScored && { logprobs: 2 }) },
      ...abort,
    };
  const scores = isScored && { logprobs: true, top_logprobs: random.below(4) };
  return { api: "chat", parameters: { ...asked, ...chatParameters(random, can), ...scores }, ...abort };
}

function chatParameters(random: Random, { isReal }: Can): Record<string, unknown> {
  const chance = (percent: number) => random.below(100) < percent;
  const messages: object[] = Array.from({ length: 1 + random.below(4) }, () => ({
    role: pick(random, ROLES),
    content: text(random),
  }));
  const parts = [{ type: "text", text: text(random) }, ...(chance(50) ? [PICTURE] : [])];
  messages.push({ role: "user", content: chance(20) ? parts : text(random) });
  const special = random.below(10);
  return {
    messages,
    ...(special === 0 && { tools: [WEATHER], tool_choice: isReal ? "required" : "auto" }),
    ...(special === 1 && { response_format: ANSWER_SCHEMA }),
    ...(special === 2 && { response_format: { type: "text" }, user: "someone" }),
  };
}

function text(random: Random): string {
  return pick(random, TEXTS);
}

function texts(random: Random, count: number, from = TEXTS): string[] {
  return Array.from({ length: count }, () => pick(random, from));
}

function pick<T>(random: Random, from: T[]): T {
  return from[random.below(from.length)] as T;
}

function defined(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
