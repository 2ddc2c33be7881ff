import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { afterEach, expect, it } from "vitest";
import { OtlpLogsSink } from "../../../tools/servers/collector/exports/otlp-logs.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";

// Stand-ins, for answers that the real servers can't be made to give at will; test/collector has the real ones.
let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections();
  servers = [];
});

type Item = { id: string; line: Record<string, unknown> };

/** A bulk interface whose answer to each line is what `status` says. */
async function startBulk(status: (item: Item, request: number) => number) {
  const stored = new Map<string, Record<string, unknown>>();
  const requests: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    const rows = text
      .toString("utf8")
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
    const items: Item[] = [];
    for (let i = 0; i < rows.length; i += 2) items.push({ id: rows[i].index._id, line: rows[i + 1] });
    requests.push(items.length);
    const statuses = items.map((item) => status(item, requests.length));
    if (statuses.includes(413)) return void response.writeHead(413).end();
    if (statuses.includes(503)) return void response.writeHead(503).end("no room");
    for (const [i, item] of items.entries())
      if ((statuses[i] as number) < 300) stored.set(item.id, item.line);
    const answers = statuses.map((each) => ({
      index: { status: each, ...(each >= 300 && { error: { type: "e" } }) },
    }));
    response.end(JSON.stringify({ errors: statuses.some((each) => each >= 300), items: answers }));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, stored, requests };
}

async function startWith(url: string, more = {}) {
  const elasticsearch = { url, headers: {}, index: "logs" };
  return startTestCollector(await testFolder(), { exports: { elasticsearch, ...more } });
}

const lines = (count: number, fields = {}) => Array.from({ length: count }, () => logLine(fields));
const counted = (name: string) => `modelgate_collector_export_${name}{export="elasticsearch"}`;

it("sends lines again that a bulk turned away for want of room, and those only", async () => {
  const bulk = await startBulk(({ line }, request) => (line.taskid === "slow" && request === 1 ? 429 : 201));
  const collector = await startWith(bulk.url);
  await collector.post(toText([...lines(5), ...lines(3, { taskid: "slow" })]));
  await expect.poll(() => bulk.stored.size).toBe(8);
  expect(bulk.requests).toEqual([8, 3]);
  await expect.poll(() => collector.metric(counted("lines_total"))).toBe(8);
});

it("gives up lines that are refused for good, and counts them", async () => {
  const bulk = await startBulk(({ line }) => (line.taskid === "bad" ? 400 : 201));
  const collector = await startWith(bulk.url);
  await collector.post(toText([...lines(4), ...lines(2, { taskid: "bad" })]));
  await expect.poll(() => collector.metric(counted("lost_lines_total"))).toBe(2);
  expect(bulk.stored.size).toBe(4);
  expect(await collector.metric(counted("lag_lines"))).toBe(0);
});

it("sends less at once to a server that finds it too large", async () => {
  const limited = await startBulk(() => ((limited.requests.at(-1) as number) > 300 ? 413 : 201));
  const collector = await startWith(limited.url);
  await collector.post(toText(lines(1_000)));
  await expect.poll(() => limited.stored.size).toBe(1_000);
  expect(Math.max(...limited.requests.slice(-3))).toBeLessThanOrEqual(300);
});

it("gives up a line that alone is too large for the server, and sends the others", async () => {
  const bulk = await startBulk(({ line }) => (line.taskid === "large" ? 413 : 201));
  const collector = await startWith(bulk.url);
  await collector.post(toText([...lines(4), ...lines(1, { taskid: "large" }), ...lines(4)]));
  await expect.poll(() => bulk.stored.size).toBe(8);
  await expect.poll(() => collector.metric(counted("lost_lines_total"))).toBe(1);
});

it("gives up a line that an OTLP server finds malformed, and sends the others", async () => {
  const sizes: number[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString("latin1");
    const isBad = body.includes("/malformed");
    if (!isBad) sizes.push(body.split("/well-formed").length);
    response.writeHead(isBad ? 400 : 200).end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sink = new OtlpLogsSink({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers: {},
  });
  const paths = ["/well-formed", "/well-formed", "/malformed", "/well-formed", "/well-formed"];
  const numbered = paths.map((path, seq) => ({ seq, line: logLine({ path }) }));
  expect(await sink.send(numbered, new AbortController().signal)).toBe(1);
  expect(sizes.length).toBeGreaterThan(0);
});

it.each(["zz", "0".repeat(32), "4bf92f"])("sends no trace id to OTLP that is none: %s", async (trace_id) => {
  let body = Buffer.alloc(0);
  const server = createServer(async (request, response) => {
    for await (const chunk of request) body = Buffer.concat([body, chunk as Buffer]);
    response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const sink = new OtlpLogsSink({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    headers: {},
  });
  const sizeOf = async (fields: object) => {
    body = Buffer.alloc(0);
    await sink.send([{ seq: 1, line: { ...line, ...fields } }], new AbortController().signal);
    return body.length;
  };
  const line = logLine({ trace_id: undefined });
  expect(await sizeOf({ trace_id })).toBe(await sizeOf({}));
});

it("waits longer and longer for a server that fails, and loses nothing", async () => {
  let isDown = true;
  const times: number[] = [];
  const bulk = await startBulk(() => {
    times.push(Date.now());
    return isDown ? 503 : 201;
  });
  const collector = await startWith(bulk.url);
  await collector.post(toText(lines(1)));
  await expect.poll(() => times.length).toBe(4);
  isDown = false;
  const waits = times.slice(1).map((time, i) => time - (times[i] as number));
  // At least half of 250, 500 and 1,000 ms.
  expect(waits[2]).toBeGreaterThan(450);
  await expect.poll(() => bulk.stored.size).toBe(1);
  expect(await collector.metric(counted("errors_total"))).toBe(4);
});

it("an export that hangs holds no other, and goes on where it was after a restart", async () => {
  const folder = await testFolder();
  const hanging = createServer(() => {});
  servers.push(hanging);
  await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
  const otlp = { url: `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`, headers: {} };
  const bulk = await startBulk(() => 201);
  const elasticsearch = { url: bulk.url, headers: {}, index: "logs" };
  const first = await startTestCollector(folder, { exports: { elasticsearch, otlp } });
  await first.post(toText(lines(10)));
  await expect.poll(() => bulk.stored.size).toBe(10);
  hanging.closeAllConnections();
  await first.stop();
  const second = await startTestCollector(folder, { exports: { elasticsearch } });
  await second.post(toText(lines(2)));
  await expect.poll(() => bulk.stored.size).toBe(12);
  expect(bulk.requests).toEqual([10, 2]);
});

it("a line has the same id whichever collector sends it", async () => {
  const bulk = await startBulk(() => 201);
  const text = toText([
    logLine({ request_id: "a/b c", start_time: new Date(Date.now() - 5_000).toISOString() }),
  ]);
  for (const _ of [1, 2]) await (await startWith(bulk.url)).post(text);
  await expect.poll(() => bulk.requests.length).toBe(2);
  expect(bulk.stored.size).toBe(1);
});
