import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Caller } from "../../../tools/servers/controller/authenticate.ts";
import {
  type Controller,
  type ControllerOptions,
  startController,
} from "../../../tools/servers/controller/controller.ts";
import { FileSource } from "../../../tools/servers/controller/file-source.ts";
import { REPORT_PATH } from "../../../tools/servers/controller/protocol.ts";
import { FakeGatewayPod } from "../../support/fake-gateway-pod.ts";
import { pace, quiet } from "../../support/pace.ts";

const EXAMPLES = fileURLToPath(new URL("../../../manifests/examples/search", import.meta.url));
const silent = pino({ level: "silent" });

let folder: string;
const running: Controller[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-controller-"));
  await cp(EXAMPLES, folder, { recursive: true });
});

afterEach(async () => {
  for (const controller of running.splice(0)) await controller.stop();
  await rm(folder, { recursive: true });
});

async function start(options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const controller = await startController({
    source: new FileSource([folder], silent),
    hold: 0,
    silence: 400,
    ...options,
  });
  running.push(controller);
  return controller;
}

/** Rounds of reports, as if a second passed between them. */
async function rounds(url: string, pods: FakeGatewayPod[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await pace(60);
    await Promise.all(pods.map((pod) => pod.report(url)));
  }
}

async function edit(file: string, from: string, to: string): Promise<void> {
  const path = join(folder, file);
  await writeFile(path, (await readFile(path, "utf8")).replace(from, to));
}

const total = (pods: FakeGatewayPod[]) => pods.reduce((sum, { rate }) => sum + rate, 0);

describe("limits", () => {
  test("follow the replica count, split by demand", async () => {
    const { url } = await start();
    const pods = [new FakeGatewayPod("a", 500), new FakeGatewayPod("b", 10)];
    await rounds(url, pods, 6);
    expect(total(pods)).toBeGreaterThan(95);
    expect(total(pods)).toBeLessThanOrEqual(100);
    expect(pods[0]?.rate).toBeGreaterThan(80);
    expect(pods.map(({ maxInFlight = 0 }) => maxInFlight).reduce((a, b) => a + b)).toBe(16);

    await edit("tasks.yaml", 'replicas: "2"', 'replicas: "4"');
    await vi.waitFor(async () => {
      await rounds(url, pods, 1);
      expect(total(pods)).toBeGreaterThan(190);
    }, 15_000);
    expect(total(pods)).toBeLessThanOrEqual(200);
  });

  test("are shared anew when a pod comes, and when one falls silent", async () => {
    const { url } = await start();
    const [a, b] = [new FakeGatewayPod("a", 500), new FakeGatewayPod("b", 500)] as [
      FakeGatewayPod,
      FakeGatewayPod,
    ];
    await rounds(url, [a], 4);
    expect(a.rate).toBeGreaterThan(95);
    await rounds(url, [a, b], 5);
    expect(Math.abs(a.rate - b.rate)).toBeLessThan(6);
    expect(a.rate + b.rate).toBeLessThanOrEqual(100);
    await rounds(url, [a], 2);
    expect(a.rate).toBeLessThan(55);
    await vi.waitFor(async () => {
      await rounds(url, [a], 1);
      expect(a.rate).toBeGreaterThan(95);
    }, 15_000);
  });

  test("stay within bounds over a restart with an empty memory", async () => {
    const first = await start();
    const pods = [new FakeGatewayPod("a", 500), new FakeGatewayPod("b", 30)];
    await rounds(first.url, pods, 6);
    const before = pods.map(({ rate }) => rate);
    const { generation = 0 } = pods[0] ?? {};
    await first.stop();
    const second = await start({ hold: 300 });
    await rounds(second.url, pods, 2);
    expect(pods.map(({ rate }) => rate)).toEqual(before);
    for (let i = 0; i < 10; i++) {
      await rounds(second.url, pods, 1);
      expect(pods.reduce((sum, { admitted }) => sum + admitted, 0)).toBeLessThanOrEqual(105);
    }
    expect(total(pods)).toBeGreaterThan(95);
    expect(pods[0]?.generation).toBeGreaterThan(generation);
  });

  test("stay as they are when files are at fault", async () => {
    const { url } = await start();
    const pod = new FakeGatewayPod("a", 500);
    await rounds(url, [pod], 4);
    await edit("tasks.yaml", "perReplica: 50", "perReplica: -1");
    await quiet(300);
    await rounds(url, [pod], 2);
    expect(pod.rate).toBeGreaterThan(95);
  });
});

test("revocations: listed, disabled and expired credentials, by key and by id", async () => {
  const { url } = await start();
  const pod = new FakeGatewayPod("a", 1);
  await rounds(url, [pod], 2);
  expect(pod.revoked).toEqual([]);
  const soon = new Date(Date.now() + 700).toISOString();
  await edit("tenant.yaml", "      # SHA-256", `      notAfter: ${soon}\n      # SHA-256`);
  await quiet(300);
  await rounds(url, [pod], 1);
  expect(pod.revoked).toEqual([]);
  await vi.waitFor(async () => {
    await rounds(url, [pod], 1);
    expect(pod.revoked).toHaveLength(2);
  }, 15_000);
  expect(pod.revoked).toContain("d2fa5c9cf5a7135d0d1df997c1e3bcdc2ad0e04dad1b644dfa9be40fc1703a80");
});

describe("liars", () => {
  test.each<[string, object | string, number, string]>([
    ["no JSON", "{", 400, "report_malformed"],
    ["another version", { apiVersion: "limits.modelgate.dev/v9" }, 400, "report_malformed"],
    ["negative counts", { tasks: { "666": { admitted: -1 } } }, 400, "report_malformed"],
    ["huge counts", { tasks: { "666": { admitted: 1e300 } } }, 400, "report_malformed"],
    ["counts that are text", { tasks: { "666": { admitted: "5" } } }, 400, "report_malformed"],
    ["no interval", { intervalMilliseconds: 0 }, 400, "report_malformed"],
    ["a list", [], 400, "report_malformed"],
    ["another gateway", { gateway: "search-ingress/other" }, 404, "gateway_unknown"],
    ["a gateway without namespace", { gateway: "x" }, 400, "report_malformed"],
  ])("%s", async (_, lies, status, reason) => {
    const { url } = await start();
    const pod = new FakeGatewayPod("liar", 1);
    if (typeof lies === "string") pod.body = () => lies;
    else if (Array.isArray(lies)) pod.body = () => "[]";
    else pod.lies = lies;
    const response = await pod.report(url);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ reason, error: expect.any(String) });
  });

  test("unknown tasks, a huge demand and __proto__ change nothing for others", async () => {
    const { url } = await start();
    const honest = new FakeGatewayPod("honest", 60);
    const liar = new FakeGatewayPod("liar", 1);
    liar.lies = {
      connections: 1e9,
      tasks: JSON.parse('{"666":{"admitted":1e9},"no":{"admitted":5},"__proto__":{"admitted":5}}'),
    };
    await rounds(url, [honest, liar], 6);
    expect(honest.rate).toBeGreaterThan(22);
    expect(honest.rate + liar.rate).toBeLessThanOrEqual(100);
  });

  test("a body over the limit", async () => {
    const { url } = await start();
    const pod = new FakeGatewayPod("a", 1);
    pod.lies = { padding: "x".repeat(4 << 20) };
    expect(await (await pod.report(url)).json()).toMatchObject({ reason: "body_too_large" });
  });

  test("reports without pause", async () => {
    const { url } = await start();
    const pod = new FakeGatewayPod("a", 1);
    await pod.report(url);
    expect((await pod.report(url)).status).toBe(429);
  });
});

describe("callers that the API server knows", () => {
  test.each<[string, Caller | string, number, string?]>([
    ["of the gateway's namespace and pod", { namespace: "search-ingress", pod: "a" }, 200],
    ["of the gateway's namespace", { namespace: "search-ingress" }, 200],
    ["of another pod", { namespace: "search-ingress", pod: "b" }, 403, "gateway_forbidden"],
    ["of another namespace", { namespace: "search" }, 403, "gateway_forbidden"],
    ["of a namespace that begins alike", { namespace: "search-ingres" }, 403, "gateway_forbidden"],
    ["without a token", "credential_missing", 401, "credential_missing"],
    ["with a bad token", "credential_unknown", 401, "credential_unknown"],
  ])("%s", async (_name, caller, status, reason) => {
    const { url } = await start({ authenticate: async () => caller as Caller });
    const response = await new FakeGatewayPod("a", 1).report(url);
    expect(response.status).toBe(status);
    if (reason !== undefined) expect(await response.json()).toMatchObject({ reason });
  });
});

describe("HTTP", () => {
  test("HTTP/2 and HTTP/1.1 in the clear on one port", async () => {
    const { url } = await start();
    const session = connect(url);
    expect(await post(session, new FakeGatewayPod("a", 1).body())).toMatchObject({ full: true });
    session.close();
    expect((await new FakeGatewayPod("b", 1).report(url)).status).toBe(200);
  });

  test("the preface of HTTP/2 in pieces, and a client that says nothing", async () => {
    const { url, port } = await start();
    const mute = createConnection(port, "127.0.0.1");
    const socket = createConnection(port, "127.0.0.1");
    socket.write("PRI * HT");
    await pace(50);
    socket.write("TP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    const [settings] = await new Promise<Buffer[]>((resolve) =>
      socket.once("data", (data) => resolve([data])),
    );
    expect(settings?.[3]).toBe(4);
    socket.destroy();
    mute.destroy();
    expect((await fetch(new URL("/elsewhere", url))).status).toBe(404);
    expect((await fetch(new URL(REPORT_PATH, url))).status).toBe(405);
    expect((await fetch(new URL(REPORT_PATH, url), { method: "POST", body: "x" })).status).toBe(415);
  });

  test("clients that break off anywhere do no harm", async () => {
    const authenticate = async () => {
      await pace(50);
      return {};
    };
    const { url, port } = await start({ authenticate });
    const errors: unknown[] = [];
    const note = (error: unknown) => errors.push(error);
    process.on("uncaughtException", note);
    for (const code of [
      constants.NGHTTP2_INTERNAL_ERROR,
      constants.NGHTTP2_CANCEL,
      constants.NGHTTP2_REFUSED_STREAM,
    ])
      for (const path of [REPORT_PATH, "/elsewhere"]) {
        const session = connect(url);
        session.on("error", () => {});
        const stream = session.request({
          ":method": "POST",
          ":path": path,
          "content-type": "application/json",
        });
        stream.on("error", () => {});
        stream.write('{"apiVersion":');
        await pace(20);
        stream.close(code);
        await pace(20);
        session.destroy();
      }
    for (const text of [
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff garbage",
      "\x16\x03\x01\x02\x00",
      "POST /v1/report HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    ]) {
      const socket = createConnection(port, "127.0.0.1").on("error", () => {});
      socket.write(Buffer.from(text, "latin1"));
      await pace(20);
      socket.resetAndDestroy();
    }
    await quiet(50);
    process.off("uncaughtException", note);
    expect(errors).toEqual([]);
    expect((await new FakeGatewayPod("a", 1).report(url)).status).toBe(200);
  });

  test("health, readiness and metrics", async () => {
    const { url, adminUrl } = await start();
    await rounds(url, [new FakeGatewayPod("a", 500)], 3);
    expect((await fetch(`${adminUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).toContain('modelgate_controller_reports_total{status="200"} 3');
    expect(metrics).toContain(
      'modelgate_controller_limit_requests_per_second{gateway="search-ingress/search-gateway",kind="tasks",name="666"} 100',
    );
    expect(metrics).toContain('modelgate_controller_gateway_pods{gateway="search-ingress/search-gateway"} 1');
    expect(metrics).toMatch(/^modelgate_controller_requests_in_flight\{.*kind="tasks",name="666"\} \d+$/m);
  });

  test("an address that is taken is an error", async () => {
    const { port } = await start();
    await expect(start({ listen: { host: "127.0.0.1", port } })).rejects.toThrow("EADDRINUSE");
  });
});

function post(session: ClientHttp2Session, body: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": REPORT_PATH,
      "content-type": "application/json",
    });
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (chunk) => {
      text += chunk;
    });
    stream.on("end", () => resolve(JSON.parse(text)));
    stream.on("error", reject);
    stream.end(body);
  });
}
