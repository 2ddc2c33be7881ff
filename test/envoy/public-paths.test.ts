import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";

const SERVICE = "inference.GRPCInferenceService";
const publicPaths = [
  { path: "/v2/health/live" },
  { path: "/v2/models/*/ready" },
  { path: `/${SERVICE}/ServerLive` },
  { path: "/healthz", gateway: true },
  { path: "/v2", task: "666", cluster: "task-666" },
  { path: "/v2/models/echo/ready", task: "666", cluster: "task-666" },
  { path: "/v2/models/far/ready", task: "gone", cluster: "task-gone" },
  { path: `/${SERVICE}/ServerMetadata`, task: "666" },
  { path: `/${SERVICE}/ModelReady`, gateway: true },
];

let gateway: TestGateway;
beforeAll(async () => {
  const config = { ...pluginConfig, tenantAuth: { ...pluginConfig.tenantAuth, publicPaths } };
  gateway = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)]);
});
afterAll(() => gateway?.stop());

const answerOf = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, { method, headers });
const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
  const response = await answerOf(path, headers, method);
  const text = await response.text();
  return response.status === 200 ? 200 : (JSON.parse(text) as { reason: string }).reason;
};

it.each<[string, Record<string, string>, number | string, string?]>([
  ["/v2/health/live", { taskid: "666" }, 200],
  ["/v2/health/live", { taskid: "666" }, 200, "HEAD"],
  ["/v2/health/live?x=1", { taskid: "666" }, 200],
  ["/v2/health/live", {}, "credential_missing"],
  ["/v2/health/live", { taskid: "666", "x-api-key": "wrong" }, 200],
  ["/v2/health/live", { taskid: "666" }, "credential_missing", "POST"],
  ["/v2/health/live/", { taskid: "666" }, "credential_missing"],
  ["/v2/health/ready", { taskid: "666" }, "credential_missing"],
  ["/v2/models/linear/ready", { taskid: "666" }, 200],
  ["/v2/models/linear/ready", {}, "credential_missing"],
  ["/v2/models/linear/x/ready", { taskid: "666" }, "credential_missing"],
  ["/v2/models//ready", { taskid: "666" }, "credential_missing"],
  ["/v2/models/linear", { taskid: "666" }, "credential_missing"],
])("%s with %j: %s", async (path, headers, wanted, method) => {
  expect(await ask(path, headers, method)).toBe(wanted);
});

it.each<[string, Record<string, string>, number | string, string?]>([
  ["/healthz", {}, 200],
  ["/healthz?probe=1", {}, 200],
  ["/healthz", {}, 200, "HEAD"],
  ["/healthz", { "x-api-key": "wrong" }, 200],
  ["/healthz", {}, "credential_missing", "POST"],
  ["/healthz/", {}, "credential_missing"],
  ["/v2", {}, 200],
  ["/v2", {}, 200, "HEAD"],
  ["/v2", { taskid: "gone" }, "model_error_14"],
  ["/v2", { taskid: "" }, "credential_missing"],
  ["/v2/models/echo/ready", {}, 200],
  ["/v2/models/far/ready", {}, "model_error_14"],
])("%s of a caller who names no task, with %j: %s", async (path, headers, wanted, method) => {
  expect(await ask(path, headers, method)).toBe(wanted);
});

it("the gateway itself says that it lives, and the model server what it is", async () => {
  const health = await answerOf("/healthz");
  expect([health.headers.get("content-type"), await health.text()]).toEqual([
    "application/json",
    '{"live":true}\n',
  ]);
  expect(await (await answerOf("/v2")).json()).toMatchObject({ extensions: expect.anything() });
  const [line] = await gateway.logged(({ path }) => path === "/v2");
  expect(line).toMatchObject({ taskid: "666", response_code: 200 });
});

it("a gRPC caller needs no key for a public method, and one for each other", async () => {
  const Client = grpc.makeGenericClientConstructor(protos[SERVICE] as grpc.ServiceDefinition, "Inference");
  const client = new Client(`127.0.0.1:${gateway.envoy.port}`, grpc.credentials.createInsecure());
  const call = (method: string, metadata: grpc.Metadata) =>
    new Promise<unknown>((resolve, reject) =>
      (client as unknown as Record<string, (...args: unknown[]) => void>)[method]?.(
        {},
        metadata,
        (error: unknown, reply: unknown) => (error ? reject(error) : resolve(reply)),
      ),
    );
  const metadata = new grpc.Metadata();
  metadata.set("taskid", "666");
  try {
    expect(await call("ServerLive", metadata)).toMatchObject({ live: true });
    expect(await call("ServerMetadata", new grpc.Metadata())).toMatchObject({ name: expect.any(String) });
    // The gateway has no reply of a model server to give.
    await expect(call("ModelReady", new grpc.Metadata())).rejects.toMatchObject({
      code: grpc.status.UNAUTHENTICATED,
    });
    await expect(call("ServerReady", metadata)).rejects.toMatchObject({
      code: grpc.status.UNAUTHENTICATED,
    });
  } finally {
    client.close();
  }
});
