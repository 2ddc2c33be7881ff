import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, expect, it } from "vitest";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { RegistryClient, RegistryUnreachable } from "../../../tools/lib/oci/registry-client.ts";

let server: Server | undefined;
afterEach(() => server?.close());

/** A client of a registry that answers each request in turn. */
async function client(
  ...answers: RequestListener[]
): Promise<{ client: RegistryClient; asked: () => number }> {
  let asked = 0;
  server = createServer((request, response) => {
    answers[Math.min(asked++, answers.length - 1)]?.(request, response);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const reference = parseReference(`oci://127.0.0.1:${port}/a:v1`);
  return { client: new RegistryClient(reference, "pull", {}), asked: () => asked };
}

const overloaded: RequestListener = (_, response) => response.writeHead(429, { "retry-after": "0.3" }).end();
const broken: RequestListener = (request) => request.socket.destroy();
const good: RequestListener = (_, response) => response.end("{}");

it("tries again after an error, a broken connection, and as late as the registry asks", async () => {
  const registry = await client((_, response) => response.writeHead(503).end(), broken, overloaded, good);
  const started = performance.now();
  expect((await registry.client.send("GET", `${registry.client.base}/tags/list`)).status).toBe(200);
  expect(registry.asked()).toBe(4);
  expect(performance.now() - started).toBeGreaterThan(200 + 400 + 300 - 50);
});

it("gives up in the end, with the last answer or the cause", async () => {
  const refusing = await client(overloaded);
  expect((await refusing.client.send("GET", refusing.client.base)).status).toBe(429);
  const dead = await client(broken);
  await expect(dead.client.send("GET", dead.client.base)).rejects.toThrow(RegistryUnreachable);
  expect(dead.asked()).toBe(4);
});

it("does not repeat what is wrong by itself", async () => {
  const registry = await client((_, response) => response.writeHead(404).end());
  expect((await registry.client.send("GET", registry.client.base)).status).toBe(404);
  expect(registry.asked()).toBe(1);
});
