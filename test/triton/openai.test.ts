import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { pino } from "pino";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { KEY } from "../support/auth.ts";
import { WORD_MODEL } from "../support/word-model.ts";

/** OpenAI's own client, unchanged, on models of Triton's that speak the Open Inference Protocol. */

const RESOURCES = `${WORD_MODEL}---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: vectors, namespace: search}
spec:
  taskid: vectors
  tenant: search
  service: {name: vectors}
  protocol: openai
  openai: {server: openInference, servedModel: shapes, tensors: {prompt: texts, embedding: numbers}}
`;

const CLIENT_TIMEOUT_MS = 120_000;
let gateway: LocalGateway;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let got: Record<string, unknown>;

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-openai-"));
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, RESOURCES);
  const [host = "", port] = inject("stack").grpc.split(":");
  const address = { host, port: Number(port) };
  gateway = await startResourceGateway({
    paths: [file],
    servers: new Map(["701", "vectors"].map((taskid) => [taskid, address])),
    secrets: new Map(),
    log: pino({ level: "silent" }),
    concurrency: 1,
  });
  const script = fileURLToPath(new URL("openai_client.py", import.meta.url));
  const url = `http://127.0.0.1:${gateway.envoy.port}/v1`;
  const { stdout } = await promisify(execFile)(`${process.env.LLM_PYTHON}/bin/python`, [script, url, KEY], {
    timeout: CLIENT_TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  got = JSON.parse(stdout);
}, CLIENT_TIMEOUT_MS);
afterAll(async () => {
  await gateway?.stop();
  await folder?.remove();
});

const PROMPT = 'system Be kind. user one "two" dört \u{1f600} five end';
const WORDS = PROMPT.split(" ");
const usage = (completion: number, prompt = WORDS.length) => ({
  completion_tokens: completion,
  prompt_tokens: prompt,
  total_tokens: prompt + completion,
});
const completion = (content: string, reason: string) => ({
  object: "chat.completion",
  model: "word-model",
  choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: reason }],
  usage: usage(1),
});
const chunk = (delta: object, reason: string | null = null) => ({
  object: "chat.completion.chunk",
  model: "word-model",
  choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
});
const pieces = (words: string[]) => words.map((word, i) => (i === 0 ? word : ` ${word}`));

it("chat completions are what the model says to the messages in the task's template", () => {
  expect(got.chat).toEqual(completion(PROMPT, "stop"));
  expect(got.limited).toEqual(completion(WORDS.slice(0, 4).join(" "), "length"));
  expect(got.stopped).toEqual(completion(WORDS.slice(0, -2).join(" "), "stop"));
  expect(got.long).toBe("user ".length + 3_000_000 + " end".length);
});

it("streams are its words, one a chunk, with the reason of the end and the tokens", () => {
  expect(got.stream).toEqual(
    pieces(WORDS).map((content, i) =>
      chunk({ ...(i === 0 && { role: "assistant" }), content }, i === WORDS.length - 1 ? "stop" : null),
    ),
  );
  expect(got.ids).toEqual([1, 1, "chatcmpl-"]);
  expect(got.usage).toEqual([
    { ...chunk({ role: "assistant", content: "system" }), usage: null },
    { ...chunk({ content: " Be" }, "length"), usage: null },
    { object: "chat.completion.chunk", model: "word-model", choices: [], usage: usage(2) },
  ]);
});

it("completions and embeddings", () => {
  const text = 'one "two" dört \u{1f600} five';
  const common = { object: "text_completion", model: "word-model" };
  const choice = { index: 0, logprobs: null };
  expect(got.completion).toEqual({
    ...common,
    choices: [{ ...choice, text, finish_reason: "stop" }],
    usage: usage(1, 5),
  });
  expect(got.completions).toEqual(
    pieces(text.split(" ")).map((each, i) => ({
      ...common,
      choices: [{ ...choice, text: each, finish_reason: i === 4 ? "stop" : null }],
    })),
  );
  expect(got.embeddings).toMatchObject({ model: "vectors", data: [{ index: 0, embedding: [1.5, -0.25] }] });
});

it("errors are those that the client knows", () => {
  expect(got.tools).toEqual([
    "BadRequestError",
    400,
    "json_malformed",
    expect.stringContaining("takes no such parameter"),
  ]);
  expect(got["no model"]).toEqual(["NotFoundError", 404, "model_not_found", expect.any(String)]);
  expect(got["no key"]).toEqual(["AuthenticationError", 401, "invalid_api_key", expect.any(String)]);
  expect(got.failed).toEqual(["BadRequestError", 400, "model_error_2", "no more words"]);
  expect(got["failed stream"]).toEqual(["BadRequestError", 400, "model_error_2", "no more words"]);
  expect(got["broken stream"]).toEqual([["system", " Be"], "APIError", "model_error_2", "no more words"]);
  expect(got.models).toEqual(["vectors", "word-model"]);
});
