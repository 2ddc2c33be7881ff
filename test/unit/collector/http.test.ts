import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync, zstdCompressSync } from "node:zlib";
import protobuf from "protobufjs";
import { expect, it } from "vitest";
import { Receiver } from "../../../tools/servers/collector/http/receive.ts";
import type { Spool } from "../../../tools/servers/collector/input/spool.ts";
import type { Request } from "../../../tools/servers/http/http.ts";
import { logLine, toText } from "../../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../../support/collector/start.ts";
import { freePort } from "../../support/free-port.ts";

const lines = (count: number, fields = {}) => Array.from({ length: count }, () => logLine(fields));

it("takes batches, plain and packed, and stores them", async () => {
  const collector = await startTestCollector(await testFolder());
  const text = (count: number) => toText(lines(count));
  expect(await (await collector.post(text(2).trimEnd())).json()).toEqual({ accepted: 2 });
  await collector.post(gzipSync(text(3)), { "content-encoding": "gzip" });
  await collector.post(zstdCompressSync(text(4)), { "content-encoding": "zstd" });
  await expect.poll(() => collector.requests()).toBe(9);
});

it("counts a batch once that is sent again", async () => {
  const collector = await startTestCollector(await testFolder());
  const text = toText(lines(20));
  await collector.post(text);
  await expect.poll(() => collector.requests()).toBe(20);
  await collector.post(text);
  await expect.poll(() => collector.metric("modelgate_collector_duplicate_lines_total")).toBe(20);
  expect(await collector.requests()).toBe(20);
});

it("stores what it has acknowledged before it is stopped, or after it is started again", async () => {
  const folder = await testFolder();
  const first = await startTestCollector(folder);
  await Promise.all(
    Array.from({ length: 20 }, () => first.post(toText(lines(10, { request_id: undefined })))),
  );
  await first.stop();
  const second = await startTestCollector(folder);
  await expect.poll(() => second.requests()).toBe(200);
  await second.stop();
  expect(await (await startTestCollector(folder)).requests()).toBe(200);
});

it("says that it can take no more, and when to come again", async () => {
  const collector = await startTestCollector(await testFolder(), { spoolBytes: 1_000, intervalMs: 60_000 });
  const text = toText(lines(10));
  expect((await collector.post(text)).status).toBe(200);
  const refused = await collector.post(text);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
});

it.each([
  ["an encoding that it does not know", "x", { "content-encoding": "br" }, 415],
  ["what is not of its encoding", "x", { "content-encoding": "gzip" }, 400],
  [
    "what is too large when it is unpacked",
    gzipSync(Buffer.alloc(17 << 20)),
    { "content-encoding": "gzip" },
    413,
  ],
  ["what is too large", Buffer.alloc(17 << 20), {}, 413],
])("refuses %s", async (_, body, headers, status) => {
  const collector = await startTestCollector(await testFolder());
  const response = await collector.post(body, headers as Record<string, string>).catch((error) => error);
  // A server that says no before it has read all may cut the connection.
  if (response instanceof Response) expect(response.status).toBe(status);
  else expect(status).toBe(413);
});

it.each([
  ["/api/v1/traffic?from=yesterday", "from"],
  ["/api/v1/traffic?from=1h&to=2h", "from"],
  ["/api/v1/traffic?step=7s", "step"],
  ["/api/v1/traffic?by=colour", "by"],
  ["/api/v1/logs?code=nine", "code"],
  ["/api/v1/logs?slower_than=fast", "slower_than"],
  ["/api/v1/logs?slower_than=1e999", "slower_than"],
  ["/api/v1/traffic?from=99999999999d", "from"],
  ["/api/v1/traffic?to=%2B275760-09-13T00:00:00Z", "to"],
  ["/api/v1/heatmap?step=99999999999999999d", "step"],
])("says what is wrong with %s", async (path, name) => {
  const collector = await startTestCollector(await testFolder());
  const response = await fetch(collector.url + path);
  expect(response.status).toBe(400);
  expect(((await response.json()) as { error: string }).error).toContain(`${name}: must be`);
});

it("reads any text in a parameter as a value", async () => {
  const collector = await startTestCollector(await testFolder());
  const tenants = ["a' OR '1'='1", "a\0b", "'); DROP TABLE files; --", "\\'"];
  await collector.post(toText(tenants.flatMap((tenant) => lines(1, { tenant }))));
  await expect.poll(() => collector.requests()).toBe(tenants.length);
  for (const tenant of tenants) {
    const query = `tenant=${encodeURIComponent(tenant)}`;
    expect((await collector.logs(query)).map((line) => line.tenant)).toEqual([tenant]);
    expect(await collector.requests(query)).toBe(1);
  }
});

it.each(["//", "http://[/"])("answers a request for %s", async (target) => {
  const collector = await startTestCollector(await testFolder());
  expect(await raw(collector.url, `GET ${target} HTTP/1.1\r\nhost: localhost\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 40[04] /,
  );
});

it.each([
  [
    "a page of another host sends a batch",
    "POST /v1/logs",
    "host: 127.0.0.1:1\r\norigin: http://evil.test",
    403,
  ],
  ["a page without a host sends events", "POST /api/v1/events", "host: 127.0.0.1:1\r\norigin: null", 403],
  ["a name that is made to resolve to this machine reads", "GET /api/v1/logs", "host: evil.test", 403],
  ["such a name sends", "POST /v1/logs", "host: evil.test\r\norigin: http://evil.test", 403],
  ["a gateway sends under any name", "POST /v1/logs", "host: modelgate-collector", 200],
  ["somebody reads by localhost", "GET /api/v1/names", "host: localhost:8092", 200],
  ["somebody reads by another loopback address", "GET /api/v1/names", "host: [::1]:8092", 200],
  ["somebody reads by an address", "GET /metrics", "host: 10.1.2.3:8092", 200],
  ["somebody reads by no name", "GET /metrics", "host:", 403],
])("when %s, the answer is right", async (_, start, headers, status) => {
  const collector = await startTestCollector(await testFolder());
  const request = `${start} HTTP/1.1\r\n${headers}\r\ncontent-length: 0\r\n\r\n`;
  expect(await raw(collector.url, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

it("goes by the names that it is given wherever it listens", async () => {
  const collector = await startTestCollector(await testFolder(), {
    listen: { host: "0.0.0.0", port: 0 },
    allowHosts: ["Collector.modelgate-system"],
  });
  const status = async (host: string) =>
    (await raw(collector.url, `GET /api/v1/names HTTP/1.1\r\nhost: ${host}\r\n\r\n`)).split(" ")[1];
  for (const host of [
    "collector.modelgate-system:8092",
    "COLLECTOR.modelgate-system",
    "localhost:1",
    hostname(),
  ])
    expect([host, await status(host)]).toEqual([host, "200"]);
  for (const host of [
    "collector",
    "evil.test:8092",
    "collector.modelgate-system.evil.test",
    "localhost.evil.test",
  ])
    expect([host, await status(host)]).toEqual([host, "403"]);
});

async function raw(url: string, request: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  socket.write(request);
  const answer = String((await once(socket, "data"))[0]);
  socket.destroy();
  return answer;
}

it("finds lines by what they say", async () => {
  const collector = await startTestCollector(await testFolder());
  await collector.post(
    toText([
      logLine({ taskid: "1", response_code: 503, duration: 900, trace_id: "t1" }),
      logLine({ taskid: "2", response_code: 429, decision: "refused", reason: "task_rate_limited" }),
      logLine({ taskid: "it's", response_code: 200, tenant: "maps", phases: undefined }),
    ]),
  );
  await expect.poll(() => collector.requests()).toBe(3);
  const tasks = async (query: string) => (await collector.logs(query)).map((line) => line.taskid);
  expect(await tasks("code=5xx")).toEqual(["1"]);
  expect(await tasks("code=429")).toEqual(["2"]);
  expect(await tasks("code=200-429&limit=1")).toHaveLength(1);
  expect(await tasks("slower_than=500")).toEqual(["1"]);
  expect(await tasks("reason=task_rate_limited")).toEqual(["2"]);
  expect(await tasks("decision=allowed&tenant=maps")).toEqual(["it's"]);
  expect(await tasks("taskid=it's")).toEqual(["it's"]);
  expect(await tasks("trace_id=t1")).toEqual(["1"]);
  expect((await collector.logs("taskid=1"))[0]).toMatchObject({ duration: 900, phases: { rate_limit: 2 } });
});

it("follows lines as they come", async () => {
  const collector = await startTestCollector(await testFolder());
  await collector.post(toText(lines(1)));
  await expect.poll(() => collector.requests()).toBe(1);
  const end = new AbortController();
  const response = await fetch(`${collector.url}/api/v1/logs?follow=true&limit=0&taskid=9`, {
    signal: end.signal,
  });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      seen.push(Buffer.from(chunk).toString());
  })().catch(() => {});
  await collector.post(toText([logLine({ taskid: "9", path: "/seen" }), logLine({ taskid: "8" })]));
  await expect.poll(() => seen.join("")).toContain("/seen");
  expect(seen.join("").trim().split("\n")).toHaveLength(1);
  end.abort();
  await reading;
});

it("has only so many followers, and room again when they go", async () => {
  const collector = await startTestCollector(await testFolder());
  const end = new AbortController();
  const follow = () => fetch(`${collector.url}/api/v1/logs?follow=true&limit=0`, { signal: end.signal });
  const answers = await Promise.all(Array.from({ length: 65 }, follow));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(64);
  expect(answers.find(({ status }) => status !== 200)?.status).toBe(503);
  end.abort();
  const probe = new AbortController();
  const again = async () =>
    (await fetch(`${collector.url}/api/v1/logs?follow=true`, { signal: probe.signal })).status;
  await expect.poll(again).toBe(200);
  probe.abort();
});

it("keeps events beside the traffic, each once", async () => {
  const collector = await startTestCollector(await testFolder());
  const event = {
    time: "2026-11-25T00:00:00Z",
    type: "rollout",
    reason: "Paused",
    message: "m",
    tenant: "search",
  };
  const post = (body: object) =>
    fetch(`${collector.url}/api/v1/events`, { method: "POST", body: JSON.stringify(body) });
  expect((await post(event)).status).toBe(202);
  expect((await post({ events: [event, { ...event, tenant: "maps" }] })).status).toBe(202);
  const wrong = await post({ type: "party" });
  expect(wrong.status).toBe(400);
  expect(((await wrong.json()) as { error: string }).error).toContain("type");
  const { events } = await collector.json<{ events: object[] }>(
    "/api/v1/events?from=2026-11-24T00:00:00Z&tenant=search",
  );
  expect(events).toMatchObject([{ time: "2026-11-25T00:00:00.000Z", reason: "Paused", tenant: "search" }]);
});

it("takes batches, and shows nothing, where only batches are taken", async () => {
  const listenBatches = { host: "127.0.0.1", port: await freePort() };
  const collector = await startTestCollector(await testFolder(), { listenBatches });
  const url = `http://127.0.0.1:${listenBatches.port}`;
  expect((await fetch(`${url}/v1/logs`, { method: "POST", body: toText(lines(2)) })).status).toBe(200);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  for (const path of ["/", "/metrics", "/api/v1/logs", "/api/v1/traffic"])
    expect((await fetch(url + path)).status).toBe(404);
  await expect.poll(() => collector.requests()).toBe(2);
});

it("takes no more batches at once than fit into memory", async () => {
  const collector = await startTestCollector(await testFolder());
  const { port } = new URL(collector.url);
  const head = `POST /v1/logs HTTP/1.1\r\nhost: a\r\ncontent-length: ${16 << 20}\r\n\r\n`;
  const sockets = Array.from({ length: 5 }, () => connect(Number(port), "127.0.0.1"));
  for (const socket of sockets) socket.write(head);
  const answer = await Promise.race(sockets.map(async (socket) => String((await once(socket, "data"))[0])));
  expect(answer).toMatch(/^HTTP\/1\.1 429 /);
  expect(answer).toMatch(/retry-after: 1/i);
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await collector.post(toText(lines(1)))).status).toBe(200);
});

it("counts batches as large as they are when unpacked", async () => {
  // A disk that takes its time.
  const spool = { isFull: false, append: () => new Promise<void>(() => {}) };
  const receiver = new Receiver(spool as unknown as Spool);
  const bomb = gzipSync(Buffer.alloc(15 << 20, "x"));
  const headers = { "content-encoding": "gzip", "content-length": String(bomb.length) };
  const send = () =>
    receiver.receive(Object.assign(Readable.from([bomb]), { headers }) as unknown as Request);
  const sent = Array.from({ length: 5 }, send);
  await expect(Promise.race(sent)).rejects.toMatchObject({ status: 429 });
});

it("refuses a batch of protobuf that has more lines than fit into memory", async () => {
  const collector = await startTestCollector(await testFolder());
  // Two bytes are a line without any field.
  const bomb = gzipSync(Buffer.alloc(15 << 20, "\x0a\x00"));
  const headers = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
  const response = await collector.post(bomb, headers);
  expect(response.status).toBe(413);
  expect(await response.text()).toContain("lines");
});

it("is not ready while the store takes no lines, and goes on when it does again", async () => {
  const folder = await testFolder();
  const collector = await startTestCollector(folder);
  const logs = join(folder, "store", "logs");
  // A file where the folder of the lines should be: what a disk that fails or is full comes to.
  await writeFile(logs, "");
  expect(await (await collector.post(toText(lines(3)))).json()).toEqual({ accepted: 3 });
  const ready = async () => (await fetch(`${collector.url}/readyz`)).status;
  await expect.poll(ready).toBe(503);
  expect((await fetch(`${collector.url}/healthz`)).status).toBe(200);
  await rm(logs);
  await expect.poll(ready).toBe(200);
  expect(await collector.requests()).toBe(3);
});

it("takes batches of protobuf", async () => {
  const collector = await startTestCollector(await testFolder());
  const { Batch } = protobuf
    .loadSync("proto/access_log.proto")
    .lookup("modelgate.accesslog.v1") as unknown as {
    Batch: protobuf.Type;
  };
  const time = Date.now() - 1_000;
  const line = {
    startTime: time,
    duration: 7,
    responseCode: 200,
    requestId: Buffer.from("a"),
    taskid: Buffer.from("9"),
  };
  const body = Batch.encode(
    Batch.create({ lines: [line, { ...line, requestId: Buffer.from("b") }] }),
  ).finish();
  const headers = { "content-type": "application/x-protobuf" };
  expect(await (await collector.post(body, headers)).json()).toEqual({ accepted: 2 });
  await expect.poll(() => collector.requests("taskid=9")).toBe(2);
  expect((await collector.logs())[0]).toMatchObject({
    start_time: new Date(time).toISOString(),
    duration: 7,
  });
  expect((await collector.post("no protobuf", headers)).status).toBe(400);
});
