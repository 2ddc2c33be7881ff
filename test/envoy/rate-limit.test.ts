import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { KEY, pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { type LimitsGateway, startLimitsGateway } from "../support/limits-gateway.ts";
import { quiet, settle } from "../support/pace.ts";
import { until } from "../support/until.ts";

const INFER = "/v2/models/linear/infer";
const ROW = [1, 2, 3, 4, 5, 6, 7, 8];
const BODY = JSON.stringify({ inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: ROW }] });

describe("gateway.wasm", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    const rateLimit = {
      tasks: [
        { taskid: "limited", requestsPerSecond: 1, requestsPerMinute: 30 },
        { taskid: "666", requestsPerSecond: 20, burst: 1 },
        { taskid: "v", requestsPerSecond: 1, mode: "dryRun" },
      ],
      queue: { maxMilliseconds: 600, maxStreams: 20 },
    };
    gateway = await startTestGateway([
      wasmFilter("gateway", modulePath("gateway"), { ...pluginConfig, rateLimit }),
    ]);
  });
  afterAll(() => gateway?.stop());

  it("delays requests in the queue, bodies and all, and converts them", async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.post(INFER, BODY)));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    for (const { text } of answers) {
      expect(JSON.parse(text).outputs[0].data.map(Math.fround)).toEqual([...linear(Float32Array.from(ROW))]);
    }
    const lines = await gateway.logged(({ taskid }) => taskid === "666");
    expect(Math.max(...lines.map(({ duration }) => Number(duration)))).toBeGreaterThan(250);
  });

  it("goes on when callers leave the queue", async () => {
    const leaving = Array.from({ length: 10 }, () =>
      fetch(`http://127.0.0.1:${gateway.envoy.port}${INFER}`, {
        method: "POST",
        headers: { "x-api-key": KEY, taskid: "666" },
        body: BODY,
        signal: AbortSignal.timeout(60),
      }).catch(() => undefined),
    );
    await Promise.all(leaving);
    expect((await gateway.post(INFER, BODY)).status).toBe(200);
  });

  it("refuses those that no token can come for in time", async () => {
    const started = performance.now();
    const answers = await Promise.all(Array.from({ length: 60 }, () => gateway.post(INFER, BODY)));
    const admitted = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(({ status }) => status === 429);
    expect(admitted + refused.length).toBe(60);
    const seconds = (performance.now() - started) / 1000;
    expect(admitted).toBeGreaterThanOrEqual(8);
    expect(admitted).toBeLessThanOrEqual(20 * seconds + 1);
    expect(JSON.parse(refused[0]?.text ?? "").reason).toBe("task_rate_limited");
  });

  it("refuses with the RateLimit fields", async () => {
    const send = () => gateway.post(INFER, BODY, { taskid: "limited" });
    const refused = (await Promise.all([send(), send(), send(), send()])).filter(
      ({ status }) => status === 429,
    );
    expect(refused.length).toBeGreaterThanOrEqual(2);
    const { headers, text } = refused[0] as Awaited<ReturnType<typeof send>>;
    expect(JSON.parse(text).reason).toBe("task_rate_limited");
    expect(headers.get("retry-after")).toBe("1");
    expect(headers.get("ratelimit-policy")).toBe('"task-second";q=1;w=1, "task-minute";q=30;w=60');
    expect(headers.get("ratelimit")).toBe('"task-second";r=0;t=1');
  });

  it("tells gRPC callers when to come back", async () => {
    const Client = grpc.makeGenericClientConstructor(
      protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition,
      "GRPCInferenceService",
    );
    const client = new Client(`127.0.0.1:${gateway.envoy.port}`, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set("x-api-key", KEY);
    metadata.set("taskid", "limited");
    const call = () =>
      new Promise<grpc.ServiceError | null>((resolve) =>
        client.ModelInfer?.({ model_name: "linear" }, metadata, (error: grpc.ServiceError | null) =>
          resolve(error),
        ),
      );
    const errors = await Promise.all([call(), call(), call()]);
    client.close();
    const refused = errors.find((error) => error?.code === grpc.status.RESOURCE_EXHAUSTED);
    expect(refused?.details).toBe("the task is over its request rate");
    expect(Number(refused?.metadata.get("grpc-retry-pushback-ms")[0])).toBeGreaterThan(0);
    const details = refused?.metadata.get("grpc-status-details-bin")[0];
    expect(details?.toString("latin1")).toContain("type.googleapis.com/google.rpc.RetryInfo");
  });

  it("lets through in a dry run, and logs it", async () => {
    const send = () => gateway.post(INFER, BODY, { taskid: "v", version: "v1" });
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const [line] = await gateway.logged(({ would_refuse }) => would_refuse === "task_rate_limited");
    expect(line).toMatchObject({ taskid: "v", response_code: 200 });
  });
});

it("charges a body of unknown length when it has come", async () => {
  const models = createServer(async (request, response) => {
    for await (const _chunk of request);
    response.end("ok");
  }).listen(0, "127.0.0.1");
  await once(models, "listening");
  const gateway = await startLimitsGateway({
    workers: 1,
    rateLimit: { tasks: [{ taskid: "1", requestsPerSecond: 2, burst: 10, cost: { bytesPerToken: 1000 } }] },
    clusters: [httpCluster("models", (models.address() as AddressInfo).port)],
    routes: [{ match: { prefix: "/" }, route: { cluster: "models" } }],
  });
  const send = async (bytes: number) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(bytes));
        controller.close();
      },
    });
    const init = { method: "POST", headers: { taskid: "1" }, body, duplex: "half" };
    const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/`, init as RequestInit);
    await response.text();
    return response.status;
  };
  try {
    expect(await send(30_000)).toBe(200);
    expect(await send(1)).toBe(429);
  } finally {
    await gateway.stop();
    models.close();
  }
});

describe("requests in flight", () => {
  let gateway: LimitsGateway;
  let models: Server;
  let waiting: (() => void)[] = [];
  beforeAll(async () => {
    models = createServer((_request, response) => {
      waiting.push(() => response.end("ok"));
    }).listen(0, "127.0.0.1");
    await once(models, "listening");
    gateway = await startLimitsGateway({
      workers: 2,
      rateLimit: { tasks: [{ taskid: "1", maxInFlight: 5 }] },
      clusters: [httpCluster("models", (models.address() as AddressInfo).port)],
      routes: [{ match: { prefix: "/" }, route: { cluster: "models", timeout: "1s" } }],
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    models?.close();
  });

  const send = (signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${gateway.envoy.port}/`, {
      headers: { taskid: "1" },
      ...(signal ? { signal } : {}),
    }).then(
      async (response) => {
        await response.text();
        return response.status;
      },
      () => 0,
    );

  it.each(["answers", "time-outs", "callers that leave"])("are counted to their end: %s", async (end) => {
    for (let round = 0; round < 2; round++) {
      waiting = [];
      const abort = new AbortController();
      const requests = Array.from({ length: 12 }, () => send(abort.signal));
      await until(() => waiting.length >= 5, { message: () => `only ${waiting.length} requests came` });
      await quiet(100);
      expect(waiting.length).toBe(5);
      if (end === "answers") for (const answer of waiting) answer();
      if (end === "callers that leave") abort.abort();
      const statuses = await Promise.all(requests);
      const expected = end === "answers" ? 200 : end === "time-outs" ? 504 : 0;
      expect(statuses.filter((status) => status === 503).length).toBe(7);
      expect(statuses.filter((status) => status === expected).length).toBe(5);
      await settle(100);
    }
  });
});
