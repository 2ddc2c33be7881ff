import type { RequestListener } from "node:http";
import { Agent, createServer, type Server } from "node:https";
import { generate } from "selfsigned";
import { afterEach, expect, it } from "vitest";
import { type Answer, exchange } from "../../../tools/lib/kubernetes/exchange.ts";

let server: Server | undefined;
const agent = new Agent({ keepAlive: true, rejectUnauthorized: false });
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** Sends requests, one after the other, to a server that answers each in turn, the last ones all alike. */
async function ask(
  requests: number,
  ...answers: RequestListener[]
): Promise<{ got: Answer[]; asked: number }> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }]);
  let asked = 0;
  server = createServer({ key, cert }, (request, response) => {
    answers[Math.min(asked++, answers.length - 1)]?.(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const got: Answer[] = [];
  for (let i = 0; i < requests; i++)
    got.push(await exchange(new URL(`https://127.0.0.1:${port}/`), { method: "PATCH", agent }, "{}"));
  return { got, asked };
}

const full: RequestListener = (_, response) => response.writeHead(429, { "retry-after": "0.01" }).end("full");
const good: RequestListener = (_, response) => response.end("good");
const reset: RequestListener = (request) => request.socket.destroy();

it("comes again when the server has room", async () => {
  expect(await ask(1, full, full, good)).toEqual({ got: [{ status: 200, body: "good" }], asked: 3 });
});

it("gives up when it never has", async () => {
  expect(await ask(1, full)).toEqual({ got: [{ status: 429, body: "full" }], asked: 11 });
});

it("is not lost with a kept connection that the server was closing", async () => {
  expect((await ask(2, good, reset, good)).got).toHaveLength(2);
});

it("says which server does not answer", async () => {
  await expect(ask(1, reset)).rejects.toThrow(/^cannot reach the API server https:\/\/127.0.0.1:\d+: /);
});
