import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadtestCommand } from "../../../tools/cli/commands/loadtest.ts";
import { warmupCommand } from "../../../tools/cli/commands/warmup.ts";
import { NO_REPLY } from "../../../tools/serving/model-client/connection.ts";
import { HttpConnection } from "../../../tools/serving/model-client/http-connection.ts";
import { TokenReader } from "../../../tools/serving/model-client/token-reader.ts";
import { runHere } from "../../support/modelgate.ts";
import { pace } from "../../support/pace.ts";

const FIRST_MS = 60;
const EACH_MS = 20;
const PIECES = ["Hello", " é", " 🙂", "!"];

const chunk = (choices: object[], more = {}) => `data: ${JSON.stringify({ choices, ...more })}\n\n`;
const piece = (content: string) => chunk([{ index: 0, delta: { content } }]);

interface Asked {
  path: string;
  headers: IncomingMessage["headers"];
  body: { model?: string; stream?: boolean; messages?: { content: string }[] };
}

/** A model server whose tokens come at known times. */
async function startServer(): Promise<{ server: Server; port: number; asked: Asked[] }> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Asked["body"];
    asked.push({ path: request.url ?? "", headers: request.headers, body });
    const usage = { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 };
    if (!body.stream) {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ choices: [{ message: { content: "Hello" } }], usage }));
      return;
    }
    response.setHeader("content-type", "text/event-stream; charset=utf-8");
    response.write(chunk([{ index: 0, delta: { role: "assistant", content: "" } }]));
    await pace(FIRST_MS);
    for (const [index, each] of PIECES.entries()) {
      if (index > 0) await pace(EACH_MS);
      response.write(piece(each));
    }
    response.end(`${chunk([], { usage })}data: [DONE]\n\n`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, port: (server.address() as AddressInfo).port, asked };
}

const { server, port, asked } = await startServer();
const folder = await mkdtemp(join(tmpdir(), "modelgate-language-"));
const file = join(folder, "task.yaml");
const task = (openai: string) =>
  `apiVersion: modelgate.dev/v1alpha1\nkind: ModelTask\nmetadata: { name: chat }\nspec:\n  taskid: chat\n  tenant: a\n  service: { name: s }\n  workload: { port: ${port} }\n  protocol: openai\n  openai: ${openai}\n`;
beforeAll(() => writeFile(file, task("{ models: [small], servedModel: org/small, basePath: /openai/v1 }")));
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const FLAGS = ["--duration", "300ms", "--from", "20", "--max-rate", "20"];

describe("modelgate loadtest of a language model", () => {
  it("measures the time to the first token and per token, and tokens a second", async () => {
    const objective = ["--slo", "p99=30s,ttft-p99=30s,tpot-p99=30s"];
    const { stdout, code } = await runHere(loadtestCommand(), [
      "-f",
      file,
      ...FLAGS,
      ...objective,
      "-o",
      "json",
    ]);
    expect(code).toBe(0);
    const [step] = JSON.parse(stdout).steps;
    expect(step.tokens.ttft.p50).toBeGreaterThanOrEqual(FIRST_MS - 1);
    expect(step.tokens.tpot.p50).toBeGreaterThanOrEqual(EACH_MS - 1);
    expect(step.p50).toBeGreaterThan(step.tokens.ttft.p50 + EACH_MS);
    expect(step.tokens.perSecond / step.answered).toBeCloseTo(PIECES.length);
    expect(step.tokens.allPerSecond).toBeGreaterThan(step.tokens.perSecond);
    const last = asked.at(-1);
    expect(last?.path).toBe("/openai/v1/chat/completions");
    expect(last?.body).toMatchObject({ model: "org/small", stream: true });
  });

  it("shows them, and says which objective broke", async () => {
    const flags = [
      "-f",
      file,
      "--duration",
      "300ms",
      "--from",
      "10",
      "--max-rate",
      "10",
      "--precision",
      "99",
    ];
    const { stdout, stderr } = await runHere(loadtestCommand(), [...flags, "--slo", "ttft-p50=1ms"]);
    expect(stdout).toContain("TTFT P50 MS");
    expect(stdout).toMatch(/TOKENS\/S +OBJECTIVE/);
    expect(stdout).toContain("no rate from 10/s down holds ttft-p50=1ms");
    expect(stderr).toMatch(/first token p50 \d+.* ttft-p50 \d+\.\d ms > 1 ms/);
  });

  it("asks a gateway by a name that callers have, for whole answers where it is told to", async () => {
    const address = ["--address", `http://127.0.0.1:${port}`, "-H", "authorization: Bearer mg_key"];
    const { code, stdout } = await runHere(loadtestCommand(), [
      ...["-f", file, ...FLAGS, "--slo", "p99=30s", ...address, "--no-stream", "-o", "json"],
    ]);
    expect(code).toBe(0);
    const [step] = JSON.parse(stdout).steps;
    expect(step.tokens).toMatchObject({ ttft: { p50: 0 }, tpot: { p50: 0 } });
    expect(step.tokens.perSecond / step.answered).toBeCloseTo(4);
    const last = asked.at(-1);
    expect(last?.path).toBe("/v1/chat/completions");
    expect(last?.headers).toMatchObject({ authorization: "Bearer mg_key", taskid: "chat" });
    expect(last?.body.model).toBe("small");
    expect(last?.body.stream).toBeUndefined();
  });
});

it("a request on a connection that the server closes meanwhile goes out on another", async () => {
  const used = new Set<Socket>();
  const closing = createServer(({ socket }, response) => {
    if (used.has(socket)) socket.destroy();
    else response.end("{}");
    used.add(socket);
  });
  closing.listen(0, "127.0.0.1");
  await once(closing, "listening");
  const connection = new HttpConnection(`http://127.0.0.1:${(closing.address() as AddressInfo).port}`);
  const request = { protocol: "http", method: "GET", path: "/", headers: {}, payload: NO_REPLY } as const;
  for (let sent = 0; sent < 4; sent++)
    expect(await connection.send(request, 5000)).toMatchObject({ ok: true });
  expect(used.size).toBe(4);
  connection.close();
  closing.close();
});

it("modelgate warmup makes a chat of a language model's name", async () => {
  const request = JSON.stringify({ model: "org/small", batch: 3 });
  const state = ["--state", join(folder, "warm")];
  const flags = ["-f", file, "--request", request, "--requests", "2", ...state];
  expect(await runHere(warmupCommand(), flags)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("warm after 2 requests"),
  });
  expect(asked.at(-1)).toMatchObject({
    path: "/openai/v1/chat/completions",
    body: { model: "org/small", messages: [{ content: "hello hello hello" }] },
  });
});

describe("the reply of a language model", () => {
  const read = (type: string, ...chunks: (string | Buffer)[]) => {
    const reader = new TokenReader(type);
    for (const [at, each] of chunks.entries()) reader.add(Buffer.from(each), at);
    return { fault: reader.end(), tokens: reader.tokens };
  };
  const sse = "text/event-stream";

  it("is read however its bytes are cut", () => {
    const bytes = Buffer.from(`: hi\n\n${PIECES.map(piece).join("")}data: [DONE]\r\n\r\n`);
    const cut = Array.from(bytes, (byte) => Buffer.of(byte));
    const { fault, tokens } = read(sse, ...cut);
    expect([fault, tokens.count]).toEqual(["", PIECES.length]);
    expect(tokens.lastAt).toBeGreaterThan(tokens.firstAt ?? Number.POSITIVE_INFINITY);
  });

  it.each([
    [
      "an error inside",
      `${piece("a")}data: {"error":{"message":"out of memory"}}\n\ndata: [DONE]\n\n`,
      "out of memory",
    ],
    ["its end is not there", piece("a"), "the stream ended before its last event"],
    ["no JSON", "data: {\n\ndata: [DONE]\n\n", "the reply is no JSON: {"],
  ])("is a failure: %s", (_name, stream, fault) => {
    expect(read(sse, stream).fault).toBe(fault);
  });

  it("of the Responses API ends with an event of its own", () => {
    const events = [
      { type: "response.output_text.delta", delta: "a" },
      { type: "response.completed", response: { usage: { output_tokens: 7 } } },
    ];
    const stream = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    expect(read(sse, ...stream)).toMatchObject({ fault: "", tokens: { count: 7, firstAt: 0, lastAt: 0 } });
  });
});
