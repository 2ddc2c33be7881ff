import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { afterAll, describe, expect, it } from "vitest";
import type { ModelRequest } from "../../../tools/api/warm-up.ts";
import { warmupCommand } from "../../../tools/cli/commands/warmup.ts";
import { prepareRequests } from "../../../tools/serving/model-client/prepare.ts";
import { startModelServer } from "../../../tools/serving/model-server/server.ts";
import { WarmMark } from "../../../tools/serving/warmup/warm-mark.ts";
import { type WarmUpPlan, warmUp } from "../../../tools/serving/warmup/warm-up.ts";
import { Child } from "../../support/child.ts";
import { runHere } from "../../support/modelgate.ts";

const folder = await mkdtemp(join(tmpdir(), "modelgate-warmup-"));
const server = await startModelServer();
afterAll(async () => {
  server.stop();
  await rm(folder, { recursive: true });
});

type Protocol = "openInference" | "tensorflowServing" | "none";

const plan = (over: Partial<WarmUpPlan> = {}): WarmUpPlan => ({
  requests: 3,
  concurrency: 2,
  timeoutMs: 30_000,
  ...over,
});
const warm = (
  request: ModelRequest,
  over: Partial<WarmUpPlan> = {},
  port = server.port,
  protocol: Protocol = "openInference",
) => {
  const origin = `http://127.0.0.1:${port}`;
  return warmUp(plan(over), {
    origin,
    prepare: (timeoutMs) => prepareRequests(request, { origin, protocol, timeoutMs }),
  });
};
const INFER = "/inference.GRPCInferenceService/ModelInfer";
const input = {
  name: "x",
  datatype: "FP32",
  shape: [1, 8],
  contents: { fp32_contents: [1, 2, 3, 4, 5, 6, 7, 8] },
};

async function freePort(): Promise<number> {
  const taken = createTcpServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as AddressInfo;
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

describe("warm-up requests", () => {
  it.each([
    [
      "written as JSON",
      { method: INFER, message: { model_name: "linear", inputs: [input] } },
      "openInference",
    ],
    ["made from Open Inference metadata", { model: "linear", batch: 3 }, "openInference"],
    ["made from a TensorFlow signature", { model: "linear", batch: 3 }, "tensorflowServing"],
    ["made with strings", { model: "echo" }, "tensorflowServing"],
  ] as const)("%s", async (_name, request, protocol) => {
    const result = await warm(request, {}, server.port, protocol);
    expect(result).toMatchObject({ warm: true, reason: "", failed: 0 });
    expect(result.answered).toBeGreaterThanOrEqual(3);
  });

  it("from a file, in turn", async () => {
    const file = join(folder, "requests.ndjson");
    const good = JSON.stringify({ method: INFER, message: { model_name: "linear", inputs: [input] } });
    await writeFile(file, `${good}\n\n${JSON.stringify({ model: "linear" })}\n`);
    expect(await warm({ file }, { requests: 4 })).toMatchObject({ warm: true, answered: expect.any(Number) });
    await writeFile(file, `${good}\n{"method":"x"}\n`);
    expect((await warm({ file })).reason).toMatch(
      /requests.ndjson:2: method must be \/package.Service\/Method/,
    );
    expect((await warm({ file: join(folder, "absent") })).reason).toContain("absent: cannot be read");
  });

  it("over HTTP, written or made", async () => {
    const bodies: unknown[] = [];
    const http = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      if (body) bodies.push(JSON.parse(body));
      const inputs = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];
      response.end(JSON.stringify(request.method === "GET" ? { inputs } : {}));
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    expect(await warm({ path: "/score", body: { a: 1 } }, {}, port, "none")).toMatchObject({ warm: true });
    expect(bodies[0]).toEqual({ a: 1 });
    bodies.length = 0;
    expect(await warm({ model: "m", batch: 2 }, {}, port, "none")).toMatchObject({ warm: true });
    expect(bodies[0]).toEqual({
      inputs: [{ name: "x", datatype: "FP32", shape: [2, 2], data: [0, 0, 0, 0] }],
    });
    http.close();
  });

  it("of a method that gRPC reflection tells", async () => {
    const proto = join(folder, "own.proto");
    await writeFile(
      proto,
      'syntax = "proto3"; package own; service Ranker { rpc Rank(Query) returns (Ranks); } message Query { string words = 1; } message Ranks {}',
    );
    const definition = loadSync(proto, { keepCase: true });
    const seen: unknown[] = [];
    const own = new grpc.Server();
    own.addService(definition["own.Ranker"] as grpc.ServiceDefinition, {
      Rank: (call: { request: unknown }, callback: (error: null, reply: object) => void) => {
        seen.push(call.request);
        callback(null, {});
      },
    });
    new ReflectionService(definition).addToServer(own);
    const port = await new Promise<number>((resolve, reject) =>
      own.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const request = { method: "/own.Ranker/Rank", message: { words: "a b" } };
    expect(await warm(request, {}, port)).toMatchObject({ warm: true });
    expect(seen[0]).toMatchObject({ words: "a b" });
    expect((await warm({ ...request, method: "/own.Ranker/Sort" }, {}, port)).reason).toContain(
      "no such method",
    );
    const origin = `http://127.0.0.1:${port}`;
    const [prepared] = await prepareRequests(request, { origin, protocol: "none", protos: [proto] });
    expect(prepared?.payload.toString()).toContain("a b");
    own.forceShutdown();
  });
});

describe("a warm-up", () => {
  it("waits for a server that is not there yet", async () => {
    const port = await freePort();
    const running = warm({ model: "linear" }, {}, port);
    const late = await new Promise<Awaited<ReturnType<typeof startModelServer>>>((resolve) =>
      setTimeout(() => resolve(startModelServer(port)), 400),
    );
    expect(await running).toMatchObject({ warm: true });
    late.stop();
  });

  it("goes on until answers are quick", async () => {
    const slow = Child.model(0, 4, 5, 10, 400);
    const port = Number(await slow.printed(/^(\d+)$/));
    const request = { method: INFER, message: {} };
    const success = { consecutive: 4, latencyMs: 250 };
    const result = await warm(request, { requests: 1, success }, port);
    expect(result).toMatchObject({ warm: true });
    expect(result.answered).toBeGreaterThanOrEqual(14);
    expect(result.firstLatencyMs).toBeGreaterThanOrEqual(390);
    await slow.stop();
  });

  it("says why the time was not enough", async () => {
    const { reason } = await warm({ model: "nobody" }, { timeoutMs: 300 });
    expect(reason).toMatch(
      /not warm after 0.3 s: 0 of 3 requests answered; last failure: .*no model "nobody"/,
    );
    const never = await warm(
      { model: "linear" },
      { timeoutMs: 300, success: { consecutive: 2, latencyMs: 0 } },
    );
    expect(never.reason).toMatch(/0 of 2 in a row within 0 ms/);
  });

  it.each([{ model: "linear" }, { method: "/a.B/C" }])(
    "ends in its time where the server hangs (%j)",
    async (request) => {
      const hanging = createTcpServer((socket) => socket.on("error", () => {}).resume());
      await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve));
      const { milliseconds, reason } = await warm(
        request,
        { timeoutMs: 300 },
        (hanging.address() as AddressInfo).port,
      );
      expect(reason).toContain("no answer in");
      expect(milliseconds).toBeLessThan(5000);
      hanging.close();
    },
  );

  it.each(["{}", "<html>", "null", '{"inputs":[{}]}'])("says that %s is no metadata", async (answer) => {
    const web = createServer((_, response) => void response.end(answer));
    await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
    const { reason } = await warm({ model: "x" }, {}, (web.address() as AddressInfo).port, "none");
    expect(reason).toContain("GET /v2/models/x: the answer is no metadata of a model");
    web.close();
  });

  it("ends at once for requests that the server never takes", async () => {
    const wrong = { method: INFER, message: { model_name: "linear" } };
    const result = await warm(wrong, { timeoutMs: 30_000 });
    expect(result.warm).toBe(false);
    expect(result.reason).toContain("linear takes one FP32 tensor");
    expect((await warm({ method: "/a.B/C" })).reason).toContain("no gRPC reflection");
  });

  it("asks nothing where nothing is to be sent", async () => {
    expect(await warm({ model: "linear" }, { requests: 0 }, 1)).toMatchObject({ warm: true, answered: 0 });
  });
});

describe("modelgate warmup", () => {
  it("exits as a probe does, and remembers a process that is warm", async () => {
    const model = Child.model(0, 4, 5);
    const port = await model.printed(/^(\d+)$/);
    const args = ["--address", `127.0.0.1:${port}`, "--state", join(folder, "warm"), "--timeout", "20s"];
    const request = JSON.stringify({ method: INFER, message: {} });
    const run = (...more: string[]) => runHere(warmupCommand(), [...args, "--request", request, ...more]);
    expect(await run("--requests", "3")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("warm after 3 requests"),
    });
    expect(await run()).toMatchObject({ code: 0, stderr: "warm already\n" });
    await model.stop();
    // Another process on the same port is cold.
    const next = Child.model(Number(port), 4, 5);
    await next.printed(/^(\d+)$/);
    expect(await run()).toMatchObject({ code: 0, stderr: expect.stringContaining("warm after 1 requests") });
    await next.stop();
    expect(await run("--timeout", "200ms")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not warm after 0.2 s"),
    });
  });

  it.each([
    [["--consecutive", "3"], "--consecutive: needs --latency"],
    [["--timeout", "soon"], "warmUp.timeout: must be a duration"],
  ])("%s", async (flags, message) => {
    const request = JSON.stringify({ method: INFER });
    expect(await runHere(warmupCommand(), ["--request", request, ...flags])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(message),
    });
  });
});

describe("what is remembered of a warm process", () => {
  it("is nothing where no server listens, or on another machine", async () => {
    for (const [host, port] of [
      ["127.0.0.1", await freePort()],
      ["192.0.2.1", server.port],
    ] as const) {
      const mark = new WarmMark(host, port, join(folder, `mark-${host}`));
      await mark.set();
      expect(await mark.isSet()).toBe(false);
    }
  });

  it("is that it is warm, by any address of this machine", async () => {
    for (const host of ["localhost", "127.0.0.1", "127.0.0.2"]) {
      const mark = new WarmMark(host, server.port, join(folder, "mark"));
      await mark.set();
      expect(await mark.isSet()).toBe(true);
    }
  });
});
