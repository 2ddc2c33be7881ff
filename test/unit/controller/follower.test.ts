import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import { type Authenticate, anyone } from "../../../tools/servers/controller/authenticate.ts";
import {
  type Controller,
  type ControllerOptions,
  startController,
} from "../../../tools/servers/controller/controller.ts";
import { FileSource } from "../../../tools/servers/controller/file-source.ts";
import { REPORT_PATH } from "../../../tools/servers/controller/protocol.ts";
import { FakeGatewayPod } from "../../support/fake-gateway-pod.ts";

const EXAMPLES = fileURLToPath(new URL("../../../manifests/examples/search", import.meta.url));
const running: Controller[] = [];

afterEach(async () => {
  for (const controller of running.splice(0)) await controller.stop();
});

async function start(options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const source = new FileSource([EXAMPLES], pino({ level: "silent" }));
  const controller = await startController({ source, hold: 0, ...options });
  running.push(controller);
  return controller;
}

function follower(
  leaderUrl: string | undefined,
  whenFollower: "forward" | "redirect",
  authenticate: Authenticate = anyone,
): Promise<Controller> {
  return start({
    authenticate,
    whenFollower,
    leadership: { isLeader: false, leaderUrl, start: () => {}, stop: async () => {} },
  });
}

test("forwards a report with its proof, and the leader's answer back", async () => {
  const leader = await start({
    authenticate: async ({ authorization }) => (authorization === "Bearer t" ? {} : "credential_missing"),
  });
  const { url } = await follower(leader.url, "forward");
  const pod = new FakeGatewayPod("a", 1);
  expect((await pod.report(url)).status).toBe(401);
  expect((await pod.report(url, { authorization: "Bearer t" })).status).toBe(200);
  expect(pod.rate).toBeGreaterThan(90);
});

test("reads and forwards nothing of a caller without proof", async () => {
  const { url } = await follower("http://127.0.0.1:9", "forward", async () => "credential_missing");
  const body = new ReadableStream({ start: (stream) => stream.enqueue(Buffer.from("{")) });
  const headers = { "content-type": "application/json" };
  const report = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  const response = await fetch(new URL(REPORT_PATH, url), report);
  expect(response.status).toBe(401);
});

test("redirects to the leader", async () => {
  const { url } = await follower("http://10.0.0.9:8090", "redirect");
  const response = await new FakeGatewayPod("a", 1).report(url);
  expect(response.status).toBe(307);
  expect(response.headers.get("location")).toBe("http://10.0.0.9:8090/v1/report");
});

test.each([
  ["no leader is known", undefined],
  ["the leader is gone", "http://127.0.0.1:9"],
])("says to come again when %s", async (_, leaderUrl) => {
  const { url } = await follower(leaderUrl, "forward");
  const response = await new FakeGatewayPod("a", 1).report(url);
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("1");
  expect(await response.json()).toMatchObject({ reason: "no_leader" });
});

test("doesn't forward what was forwarded", async () => {
  const last = await follower("http://127.0.0.1:9", "forward");
  const { url } = await follower(last.url, "forward");
  expect(await (await new FakeGatewayPod("a", 1).report(url)).json()).toMatchObject({
    error: "the leader is changing",
  });
});
