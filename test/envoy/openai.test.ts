/**
 * Callers of OpenAI's API through `dev`: the real Envoy with both filters, and a server that notes what it
 * gets.
 */

import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import type { LocalGateway } from "../../tools/local/dev/gateway.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { attributesOf, type SpanReceiver, startSpanReceiver } from "../support/span-receiver.ts";
import { until } from "../support/until.ts";

const SERVER_KEY = "sk-of-the-server";
const RESOURCES = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: search}
spec:
  namespaces: [search]
  gateway: {name: gateway, namespace: search, hosts: ["*"]}
  credentials: [{id: app, sha256: ${digestOf(KEY)}}]
  tasks: [{task: "llm*"}]
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: llm, namespace: search}
spec: {taskid: llm, tenant: search, service: {name: llm}, protocol: openai}
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: llm-counted, namespace: search}
spec:
  taskid: llm-counted
  tenant: search
  service: {name: llm-counted}
  protocol: openai
  openai: {tokenLimits: {tokensPerSecond: 0.001, burst: 1000}}
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: llm-2, namespace: search}
spec:
  taskid: llm-2
  tenant: search
  service: {name: llm-2}
  protocol: openai
  openai:
    models: [other, vendor/other]
    servedModel: its-own-name
    basePath: /openai/v1
    apiKeySecret: {name: server, key: key}
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: secret, namespace: search}
spec: {taskid: secret, tenant: search, service: {name: secret}, protocol: openai}
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: llm-gone, namespace: search}
spec: {taskid: llm-gone, tenant: search, service: {name: gone}, protocol: openai, openai: {models: [gone]}}
`;

let server: OpenAiServer;
let receiver: SpanReceiver;
let gateway: LocalGateway;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  server = await startOpenAiServer();
  receiver = await startSpanReceiver();
  folder = await temporaryFolder(join(tmpdir(), "openai-"));
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, RESOURCES);
  const address = { host: "127.0.0.1", port: server.port };
  gateway = await startResourceGateway({
    paths: [file],
    traces: receiver.url,
    secrets: new Map([["search/server", new Map([["key", Buffer.from(SERVER_KEY)]])]]),
    servers: new Map<string, { host: string; port: number }>([
      ...["llm", "llm-2", "llm-counted", "secret"].map((taskid) => [taskid, address] as const),
      ["llm-gone", { host: "127.0.0.1", port: 1 }],
    ]),
    log: pino({ level: "silent" }),
    concurrency: 1,
  });
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  await server?.stop();
  receiver?.stop();
  await folder?.remove();
});
beforeEach(() => {
  server.got.length = 0;
});

const CHAT = "/v1/chat/completions";
const url = (path: string) => `http://127.0.0.1:${gateway.envoy.port}${path}`;

function post(body: string | Buffer, path = CHAT, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url(path), {
    method: "POST",
    body: body as BodyInit,
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...headers },
  });
}

/**
 * What the server gets of a stream's request that says nothing of its usage: all of it, and the question
 * before.
 */
const asking = (body: string) => `{"stream_options":{"include_usage":true},${body.slice(1)}`;

/** The first line of the log that is meant. */
async function lineOf(isMeant: (line: string) => boolean): Promise<Record<string, unknown>> {
  const line = await until(
    async () => (await readFile(gateway.accessLog, "utf8")).split("\n").find((each) => isMeant(each)),
    { message: "no line of the log is the one" },
  );
  return JSON.parse(line) as Record<string, unknown>;
}

/** A chat with the model behind its messages, as OpenAI's own clients write it. */
const chat = (model: string, prompt = "hello") =>
  JSON.stringify({ messages: [{ role: "user", content: prompt }], model, stream: true });

interface OpenAiError {
  error: { code: string; type: string; reason: string; message: string };
}

async function errorOf(response: Promise<Response>) {
  const { status, headers } = await response;
  const { error } = (await (await response).json()) as OpenAiError;
  return { status, code: error.code, reason: error.reason, type: headers.get("content-type") };
}

describe("a chat completion", () => {
  it("passes, and its stream comes back byte for byte", async () => {
    const body = chat("llm");
    const response = await post(body);
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(server.chunks.join(""));
    expect(server.got).toHaveLength(1);
    expect(server.got[0]?.body?.toString()).toBe(asking(body));
    const length = String(asking(body).length);
    expect(server.got[0]).toMatchObject({ path: CHAT, headers: { "content-length": length } });
    expect(server.got[0]?.headers).not.toHaveProperty("authorization");
  });

  it("with the model behind 7 MB of prompt passes byte for byte", async () => {
    const body = chat("llm", 'é"\\ '.repeat(1_000_000));
    expect((await post(body)).status).toBe(200);
    expect(server.got[0]?.body?.equals(Buffer.from(asking(body)))).toBe(true);
  });

  it("over HTTP/2, with the model behind 7 MB of prompt, passes byte for byte", async () => {
    const body = chat("llm", 'é"\\ '.repeat(1_000_000));
    const session = connect(url("/"));
    const call = session.request({
      ...{ ":method": "POST", ":path": CHAT, authorization: `Bearer ${KEY}` },
    });
    call.end(body);
    const [headers] = (await once(call, "response")) as [Record<string, number>];
    expect([headers[":status"], await text(call)]).toEqual([200, server.chunks.join("")]);
    session.close();
    expect(server.got[0]?.body?.equals(Buffer.from(asking(body)))).toBe(true);
  });

  it("with the model before 5 MB of prompt passes byte for byte", async () => {
    const body = JSON.stringify({
      model: "llm",
      messages: [{ role: "user", content: "x".repeat(5_000_000) }],
    });
    expect((await post(body)).status).toBe(200);
    expect(server.got[0]?.body?.equals(Buffer.from(body))).toBe(true);
  });

  it("reaches the server by its own name of the model, below its own path, with its own key", async () => {
    expect((await post(chat("vendor/other"), `${CHAT}?a=b`)).status).toBe(200);
    const [got] = server.got;
    expect(got).toMatchObject({
      path: "/openai/v1/chat/completions?a=b",
      headers: { authorization: `Bearer ${SERVER_KEY}` },
    });
    expect(got?.body?.toString()).toBe(asking(chat("its-own-name")));
  });

  it("keeps what stands around a model that is replaced, also in 800 kB", async () => {
    const body = (model: string) =>
      `${chat("x", "é".repeat(400_000)).slice(0, -1)},"a":[1,2]}`.replace(
        '"model":"x"',
        `"model" : "${model}"`,
      );
    expect((await post(body("other"))).status).toBe(200);
    expect(server.got[0]?.body?.toString()).toBe(asking(body("its-own-name")));
  });
});

describe("a call that is refused reaches no server", () => {
  it.each([
    [
      "no credential",
      () => post(chat("llm"), CHAT, { authorization: "" }),
      401,
      "invalid_api_key",
      "credential_missing",
    ],
    [
      "a wrong key",
      () => post(chat("llm"), CHAT, { authorization: "Bearer no" }),
      401,
      "invalid_api_key",
      "credential_unknown",
    ],
    ["an unknown model", () => post(chat("gpt")), 404, "model_not_found", "model_not_found"],
    ["a model that it may not call", () => post(chat("secret")), 403, "task_forbidden", "task_forbidden"],
    [
      "a taskid that disagrees",
      () => post(chat("llm"), CHAT, { taskid: "llm-2" }),
      400,
      "task_disagrees",
      "task_disagrees",
    ],
    ["no model", () => post('{"messages":[]}'), 400, "model_missing", "model_missing"],
    ["a model that is no text", () => post('{"model":7}'), 400, "model_missing", "model_missing"],
    ["no JSON", () => post("model=llm"), 400, "body_malformed", "body_malformed"],
    ["no body", () => post(""), 400, "body_malformed", "body_malformed"],
    [
      "an encoded body",
      () => post(chat("llm"), CHAT, { "content-encoding": "gzip" }),
      415,
      "content_encoding_model",
      "content_encoding_model",
    ],
    [
      "another path",
      () => post(chat("llm"), "/v1/files", { taskid: "llm" }),
      404,
      "openai_path_not_passed",
      "openai_path_not_passed",
    ],
    [
      "a model too late",
      () => post(chat("llm", "x".repeat(9_000_000))),
      413,
      "model_too_late",
      "model_too_late",
    ],
  ])("%s", async (_name, send, status, code, reason) => {
    expect(await errorOf(send())).toEqual({ status, code, reason, type: "application/json" });
    expect(server.got).toEqual([]);
  });

  it("two models in small bodies", async () => {
    for (const second of ['"model"', '"mod\\u0065l"', '"MODEL"', '"model\\u0000"'])
      expect(await errorOf(post(`{"model":"llm",${second}:"secret"}`))).toMatchObject({
        status: 400,
        reason: "model_ambiguous",
      });
    expect(server.got).toEqual([]);
  });

  it("a second model behind 5 MB: the server never gets the end", async () => {
    const body = `{"model":"llm","messages":"${"x".repeat(5_000_000)}","model":"secret"}`;
    expect(await errorOf(post(body))).toMatchObject({ status: 400, reason: "model_ambiguous" });
    await until(() => server.got.length === 1, { message: "the server had no request" });
    expect(server.got[0]?.body).toBeUndefined();
  });
});

it("models are those that the credential may call", async () => {
  const get = (path: string, authorization = `Bearer ${KEY}`) =>
    fetch(url(path), { headers: { authorization } });
  const { data, object } = (await (await get("/v1/models")).json()) as {
    object: string;
    data: { id: string }[];
  };
  expect(object).toBe("list");
  expect(data.map(({ id }) => id)).toEqual(["llm", "llm-counted", "other", "vendor/other", "gone"]);
  expect(await (await get("/v1/models/vendor%2Fother")).json()).toMatchObject({
    id: "vendor/other",
    object: "model",
  });
  expect((await get("/v1/models/vendor/other")).status).toBe(200);
  expect(await errorOf(get("/v1/models/secret"))).toMatchObject({ status: 404, code: "model_not_found" });
  expect((await get("/v1/models", "Bearer no")).status).toBe(401);
});

it("Envoy's own answers are OpenAI's errors, too", async () => {
  const response = await post(chat("gone"));
  expect(response.status).toBe(503);
  const { error } = (await response.json()) as OpenAiError;
  expect(error).toMatchObject({ type: "server_error", code: "upstream_error" });
  expect(error.message).toContain("upstream connect error");
});

it("the log says why a call was refused in front of the gateway's filter", async () => {
  const body = `{"model":"llm","messages":"${"x".repeat(200_000)}","model":"llm"}`;
  expect((await post(body)).status).toBe(400);
  const line = await lineOf(
    (each) => each.includes('"reason":"model_ambiguous"') && each.includes('"taskid":"llm"'),
  );
  expect(line).toMatchObject({ tenant: "search", taskid: "llm", reason: "model_ambiguous" });
  expect(line).not.toHaveProperty("usage");
});

it("the log tells what was delivered to a caller who hangs up", async () => {
  const piece = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n';
  server.chunks = [piece, piece, piece, "data: [DONE]\n\n"];
  const { release } = server.pauseBehind(2);
  const call = request(url(CHAT), { method: "POST", headers: { authorization: `Bearer ${KEY}` } });
  call.end(chat("llm"));
  const [response] = (await once(call, "response")) as [IncomingMessage];
  response.on("error", () => {});
  await once(response, "data");
  call.destroy();
  const line = await lineOf((each) => each.includes('"aborted"'));
  release();
  expect(line).toMatchObject({ taskid: "llm", usage: "estimated", aborted: "caller", response_flags: "DC" });
  expect(line.output_tokens).toBeGreaterThanOrEqual(1);
  expect(line.output_tokens).toBeLessThanOrEqual(2);
});

it("headers wait for a body that comes byte by byte", async () => {
  const body = chat("llm");
  const call = request(url(CHAT), { method: "POST", headers: { authorization: `Bearer ${KEY}` } });
  const answered = new Promise<number>((resolve) =>
    call.on("response", ({ statusCode }) => resolve(statusCode ?? 0)),
  );
  for (const c of body) {
    call.write(c);
    await new Promise(setImmediate);
  }
  call.end();
  expect(await answered).toBe(200);
  // Usage is asked for where the stream is known as one before the body's begin has gone on.
  const asked = body.replace("{", '{"stream_options":{"include_usage":true},');
  expect([body, asked]).toContain(server.got[0]?.body?.toString());
});

describe("a limit on tokens", () => {
  const call = (maxTokens: number, prompt?: string) =>
    post(`${chat("llm-counted", prompt).slice(0, -1)},"max_tokens":${maxTokens}}`);
  const answers = (tokens: number) => {
    const usage = { prompt_tokens: 1, completion_tokens: tokens - 1 };
    server.chunks = [
      'data: {"model":"tiny-1b","choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"usage":null}\n\n',
      `data: ${JSON.stringify({ choices: [], usage })}\n\nda`,
      "ta: [DONE]\n\n",
    ];
  };

  it("reserves what calls may take, settles what they took, and keeps the usage to itself", async () => {
    answers(100);
    const seen = `${server.chunks[0]?.replace(',"usage":null', "")}data: [DONE]\n\n`;
    for (let round = 0; round < 4; round++) {
      const response = await call(500, "x".repeat(100));
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(seen);
    }
    const line = await lineOf((each) => each.includes('"taskid":"llm-counted"'));
    expect(line).toMatchObject({
      ...{ model: "llm-counted", response_model: "tiny-1b", finish_reason: "stop", usage: "reported" },
      ...{ input_tokens: 1, cached_tokens: 0, output_tokens: 99, reasoning_tokens: 0 },
    });
    expect(line.time_to_first_token_us).toBeGreaterThan(0);
    expect(line.time_to_first_token_us).toBeLessThan(1000 * (line.duration as number) + 1000);
    expect(line).not.toHaveProperty("aborted");
    const told = await until(
      async () =>
        receiver.spans
          .map(attributesOf)
          .find(
            (each) => each["gen_ai.request.model"] === "llm-counted" && each["gen_ai.usage.input_tokens"],
          ),
      { message: "no span tells of the call" },
    );
    expect(told).toMatchObject({
      ...{ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai" },
      ...{ "gen_ai.response.model": "tiny-1b", "gen_ai.response.finish_reasons": "stop" },
      ...{ "gen_ai.usage.input_tokens": "1", "gen_ai.usage.output_tokens": "99" },
      ...{ "gen_ai.usage.cache_read.input_tokens": "0", "gen_ai.usage.reasoning.output_tokens": "0" },
    });
    expect(JSON.parse(String(server.got[0]?.body)).stream_options).toEqual({ include_usage: true });
    const refused = await call(800);
    expect(refused.status).toBe(429);
    // Of so slow a limit the controller, once it has spoken, gives the only pod 999 of 1,000.
    expect(refused.headers.get("ratelimit")).toMatch(/"task-tokens-second";r=(599|600);/);
    // 2 MB are reserved at their end: 250,000 tokens at the least.
    expect((await call(1, "x".repeat(2_000_000))).status).toBe(429);
    expect((await call(100)).status).toBe(200);
  });
});
