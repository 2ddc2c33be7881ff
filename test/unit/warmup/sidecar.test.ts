import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { connectionsTo } from "../../../tools/serving/drain/tcp-sockets.ts";
import { prepareRequests } from "../../../tools/serving/model-client/prepare.ts";
import { type Sidecar, startSidecar } from "../../../tools/serving/warmup/sidecar.ts";
import { Child } from "../../support/child.ts";
import { quiet } from "../../support/pace.ts";
import { until } from "../../support/until.ts";

let sidecar: Sidecar | undefined;
let model: Child | undefined;
afterEach(async () => {
  await sidecar?.stop();
  await model?.stop();
});

async function start(port: number, drain = async () => ({ left: true, idle: true })): Promise<void> {
  const origin = `http://127.0.0.1:${port}`;
  const request = { method: "/inference.GRPCInferenceService/ModelInfer", message: {} };
  sidecar = await startSidecar({
    ...{ listen: { host: "127.0.0.1", port: 0 }, server: { host: "127.0.0.1", port }, drain, log: () => {} },
    plan: { requests: 2, concurrency: 1, timeoutMs: 20_000 },
    target: { origin, prepare: () => prepareRequests(request, { origin, protocol: "openInference" }) },
  });
}

const get = async (path: string) => (await fetch(`http://127.0.0.1:${sidecar?.port}${path}`)).status;

async function answers(path: string, status: number): Promise<void> {
  await until(async () => (await get(path)) === status, { message: `${path} is not ${status}` });
}

describe("the sidecar", () => {
  it("is not ready before the server is warm, and warms each process anew", async () => {
    model = Child.model(0, 1, 1, 1, 500);
    const port = Number(await model.printed(/^(\d+)$/));
    await start(port);
    expect([await get("/startupz"), await get("/readyz")]).toEqual([503, 503]);
    await answers("/startupz", 200);
    expect(await get("/readyz")).toBe(200);
    await model.stop();
    await answers("/startupz", 503);
    expect(await get("/readyz")).toBe(503);
    model = Child.model(port, 1, 1);
    await answers("/readyz", 200);
  });

  it("fails readiness when it drains, once and for good", async () => {
    model = Child.model(0, 1, 1);
    let drains = 0;
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    await start(Number(await model.printed(/^(\d+)$/)), async () => {
      drains++;
      await ended;
      return { left: true, idle: true };
    });
    await answers("/readyz", 200);
    const hooks = [get("/drain"), get("/drain")];
    await answers("/readyz", 503);
    expect(await get("/startupz")).toBe(200);
    end();
    expect(await Promise.all(hooks)).toEqual([200, 200]);
    expect(drains).toBe(1);
    expect(await get("/readyz")).toBe(503);
    expect(await get("/else")).toBe(404);
  });

  it("answers the hook before it stops", async () => {
    model = Child.model(0, 1, 1);
    const port = Number(await model.printed(/^(\d+)$/));
    let end: () => void = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    await start(port, async () => {
      await ended;
      return { left: true, idle: true };
    });
    const hook = get("/drain");
    await answers("/readyz", 503);
    const stopped = sidecar?.stop();
    end();
    await stopped;
    expect(await hook).toBe(200);
    sidecar = undefined;
  });

  it("warms the process that a probe's failure had restarted", async () => {
    model = Child.model(0, 1, 1);
    const port = Number(await model.printed(/^(\d+)$/));
    await start(port);
    await answers("/readyz", 200);
    expect(await get("/drain")).toBe(200);
    await quiet(600);
    expect(await get("/readyz")).toBe(503);
    await model.stop();
    model = Child.model(port, 1, 1);
    await answers("/readyz", 200);
  });

  it("stops at once while the server hangs", async () => {
    const hanging = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
    const { port } = hanging.address() as AddressInfo;
    await start(port);
    const connected = (count: number) => async () => (await connectionsTo(port)) === count;
    await until(connected(2), { message: "the sidecar does not ask the server" });
    await sidecar?.stop();
    await until(connected(0), { withinMs: 5000, message: "the sidecar holds its connections" });
    hanging.close();
  });
});
