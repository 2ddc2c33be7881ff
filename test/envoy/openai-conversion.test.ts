import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { KEY } from "../support/auth.ts";
import { startWordModel, WORD_MODEL } from "../support/word-model.ts";

/** Callers of OpenAI's API on a gRPC model server, through `dev`: the real Envoy with both filters. */

let gateway: LocalGateway;
let model: Awaited<ReturnType<typeof startWordModel>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  model = await startWordModel();
  folder = await temporaryFolder(join(tmpdir(), "modelgate-openai-conversion-"));
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, WORD_MODEL);
  gateway = await startResourceGateway({
    paths: [file],
    secrets: new Map(),
    servers: new Map([["701", { host: "127.0.0.1", port: model.port }]]),
    log: pino({ level: "silent" }),
    concurrency: 1,
  });
});
afterAll(async () => {
  await gateway?.stop();
  model?.stop();
  await folder?.remove();
});

async function chat(more: object, prompt = "hello wörld") {
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ messages: [{ role: "user", content: prompt }], model: "word-model", ...more }),
  });
  return { status: response.status, text: await response.text() };
}

it("a chat completion is what the model says", async () => {
  const { status, text } = await chat({ max_completion_tokens: 3 });
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({
    model: "word-model",
    choices: [{ message: { role: "assistant", content: "user hello wörld" }, finish_reason: "length" }],
    usage: { prompt_tokens: 4, completion_tokens: 1, total_tokens: 5 },
  });
});

it("a stream is its words, and ends with [DONE]", async () => {
  const { text } = await chat({ stream: true });
  const events = text.split("\n\n").slice(0, -1);
  expect(events.pop()).toBe("data: [DONE]");
  const choices = events.map((event) => JSON.parse(event.slice("data: ".length)).choices[0]);
  expect(choices.map(({ delta }) => delta.content)).toEqual(["user", " hello", " wörld", " end"]);
  expect(choices.map(({ finish_reason }) => finish_reason)).toEqual([null, null, null, "stop"]);
});

it("a prompt of megabytes arrives whole", async () => {
  const { text } = await chat({}, "é".repeat(1_500_000));
  expect(JSON.parse(text).choices[0].message.content.length).toBe("user ".length + 1_500_000 + " end".length);
});

it("errors have OpenAI's form: with a status before the first chunk, else as an event", async () => {
  for (const stream of [false, true]) {
    const { status, text } = await chat({ stream, fail: 0 });
    expect([status, JSON.parse(text).error]).toMatchObject([400, { message: "no more words", param: null }]);
  }
  const { status, text } = await chat({ stream: true, fail: 2 });
  const events = text.split("\n\n").slice(0, -1);
  expect(status).toBe(200);
  expect(JSON.parse(events[2]?.slice("data: ".length) ?? "").error).toMatchObject({
    message: "no more words",
  });
  expect(await chat({ tools: [{}] })).toMatchObject({ status: 400 });
  expect(await chat({ model: "none" })).toMatchObject({ status: 404 });
});
