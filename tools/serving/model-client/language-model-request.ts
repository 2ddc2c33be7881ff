import type { PreparedRequest } from "./connection.ts";

/** Tokens that the answer to a made request may have. */
const MAX_TOKENS = 32;

interface LanguageModelRequest {
  model: string;
  /** Words of the prompt. */
  words: number;
  /** Where the API is, such as /v1. */
  basePath: string;
  /** Whether the answer comes token by token. */
  stream: boolean;
}

/** A chat of so many words, which asks for a few tokens. */
export function languageModelRequest({
  model,
  words,
  basePath,
  stream,
}: LanguageModelRequest): PreparedRequest {
  const body = {
    model,
    messages: [{ role: "user", content: Array(words).fill("hello").join(" ") }],
    max_tokens: MAX_TOKENS,
    ...(stream && { stream, stream_options: { include_usage: true } }),
  };
  const path = `${basePath}/chat/completions`;
  return { protocol: "http", method: "POST", path, headers: {}, payload: Buffer.from(JSON.stringify(body)) };
}
