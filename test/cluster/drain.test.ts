import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { pace } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { EXAMPLE_KEY, HOST } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ withProxyMetadata: true });
  const image = await pushModule("gateway");
  await cluster.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
    ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
  );
  const { code, stderr } = await runModelgate(cluster.kubeconfig, [
    "apply",
    "-f",
    EXAMPLE,
    "--image",
    image,
    "--wait",
  ]);
  expect(code, stderr).toBe(0);
});
afterAll(() => cluster?.stop());

/** One request over the agent's only connection. @returns status, and whether the gateway asks its client to leave */
function send(agent: Agent): Promise<{ status: number; leave: boolean }> {
  const body = JSON.stringify({
    inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: new Array(8).fill(1) }],
  });
  const headers = {
    host: HOST,
    "x-api-key": EXAMPLE_KEY,
    taskid: "666",
    "content-length": Buffer.byteLength(body),
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: "10.88.0.1", port: 8866, method: "POST", path: "/v2/models/linear/infer", agent, headers },
      (response) => {
        text(response).then(() => {
          resolve({ status: response.statusCode ?? 0, leave: response.headers.connection === "close" });
        }, reject);
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}

it("Istio's agent drains a gateway pod until its clients have left", async () => {
  // The only connection: any other that is kept open would hold its pod up.
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let first = { status: 0, leave: false };
  const isServed = async () => {
    first = await send(agent).catch(() => first);
    return first.status === 200;
  };
  await until(isServed, { everyMs: 200, message: () => `the gateway answers ${first.status}` });
  expect(first).toEqual({ status: 200, leave: false });
  const selector = { namespace: "search", labelSelector: "istio=search-gateway" };
  const pods = await cluster.client.list("v1", "Pod", selector);
  const gateways = pods.map(({ metadata }) => cluster.node.gateway(metadata.name));
  for (const pod of pods) await cluster.client.delete(pod);
  let answer = { status: 200, leave: false };
  for (let i = 0; i < 100 && !answer.leave; i++) {
    answer = await send(agent);
    expect(answer.status).toBe(200);
    await pace(50);
  }
  expect(answer.leave).toBe(true);
  agent.destroy();
  // A pod that never had a connection ends at once, and says so.
  let logs: string[] = [];
  const hasEnded = async () => {
    logs = await Promise.all(gateways.map((gateway) => gateway?.log() ?? ""));
    return logs.some((log) => log.includes("terminating proxy"));
  };
  await until(hasEnded, { everyMs: 200, message: () => logs.join("\n") });
  expect(logs.join("\n")).toContain("There are no more active connections. terminating proxy...");
});
