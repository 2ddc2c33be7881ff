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
];

let gateway: TestGateway;
beforeAll(async () => {
  const config = { ...pluginConfig, tenantAuth: { ...pluginConfig.tenantAuth, publicPaths } };
  gateway = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)]);
});
afterAll(() => gateway?.stop());

const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") => {
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, { method, headers });
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
    await expect(call("ServerReady", metadata)).rejects.toMatchObject({
      code: grpc.status.UNAUTHENTICATED,
    });
  } finally {
    client.close();
  }
});
