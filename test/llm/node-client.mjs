// The official OpenAI client for Node: holds the conversations of standard input, and prints what came of each.
import { text } from "node:stream/consumers";

const { default: OpenAI } = await import(process.env.OPENAI_MODULE);
const asked = JSON.parse(await text(process.stdin));
const client = new OpenAI({
  baseURL: asked.baseUrl,
  apiKey: asked.apiKey,
  defaultHeaders: asked.headers,
  maxRetries: 0,
  timeout: 30_000,
});

const calls = {
  chat: (parameters) => client.chat.completions.create(parameters),
  completions: (parameters) => client.completions.create(parameters),
  embeddings: (parameters) => client.embeddings.create(parameters),
  responses: (parameters) => client.responses.create(parameters),
};

/** What code that calls the client can tell apart. */
function error(raised) {
  const { status, code, type, param, error: body, headers } = raised;
  return {
    class: raised.constructor.name,
    status,
    code,
    type,
    param,
    body,
    retryAfter: headers?.get("retry-after"),
  };
}

async function hold({ api, parameters, abortAfter }) {
  const result = {};
  try {
    const reply = await calls[api](parameters);
    if (!parameters.stream) return { reply };
    result.chunks = [];
    for await (const chunk of reply) {
      result.chunks.push(chunk);
      if (result.chunks.length === abortAfter) break;
    }
  } catch (raised) {
    result.error = error(raised);
  }
  return result;
}

const results = [];
for (const conversation of asked.conversations) results.push(await hold(conversation));
console.log(JSON.stringify(results));
