import { request } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type OpenAiServer, startOpenAiServer } from "../support/openai-server.ts";
import { until } from "../support/until.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { EXAMPLE_KEY, HOST } from "./support/requests.ts";

/** The bridge that the pods of the lane have as their gateway. */
const HERE = "10.88.0.1";
const SERVER_KEY = "sk-of-the-server";
const DIGEST = "d2fa5c9cf5a7135d0d1df997c1e3bcdc2ad0e04dad1b644dfa9be40fc1703a80";
const NOWHERE = `oci://${REGISTRY}/modelgate/nowhere@sha256:${"0".repeat(64)}`;

const resources = (routing: string) => `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: search}
spec:
  namespaces: [search]
  gateway:
    name: search-gateway
    namespace: search
    hosts: ["*search.models.example"]
    deployment: {minReplicas: 1, serviceType: ClusterIP}
    routing: ${routing}
  credentials: [{id: search-demo, sha256: ${DIGEST}}]
  tasks: [{task: "llm*"}]
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: llm, namespace: search}
spec:
  taskid: llm
  tenant: search
  service: {name: llm}
  protocol: openai
  openai:
    models: [small, vendor/small]
    servedModel: its-own-name
    basePath: /openai/v1
    apiKeySecret: {name: server, key: key}
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: secret, namespace: search}
spec: {taskid: secret, tenant: search, service: {name: llm}, protocol: openai}
`;

const chat = (model: string, prompt = "hello") =>
  JSON.stringify({ messages: [{ role: "user", content: prompt }], model, stream: true });

interface Answer {
  status: number;
  body: string;
}

function call(body: string, path = "/v1/chat/completions", key = EXAMPLE_KEY): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: HERE, port: 8866, path, method: body ? "POST" : "GET" },
        headers: { host: HOST, authorization: `Bearer ${key}`, "content-length": Buffer.byteLength(body) },
      },
      (response) =>
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject),
    );
    sent.once("error", reject);
    sent.end(body);
  });
}

describe("language models", () => {
  let cluster: Cluster;
  let server: OpenAiServer;
  let image: string;

  beforeAll(async () => {
    cluster = await startCluster();
    server = await startOpenAiServer(HERE);
    image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      {
        ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "server", namespace: "search" } },
        stringData: { key: SERVER_KEY },
      },
      {
        ...{ apiVersion: "v1", kind: "Service", metadata: { name: "llm", namespace: "search" } },
        spec: { ports: [{ name: "http", port: 8866, targetPort: server.port }] },
      },
      {
        ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice" },
        metadata: { name: "llm-1", namespace: "search", labels: { "kubernetes.io/service-name": "llm" } },
        ...{ addressType: "IPv4", endpoints: [{ addresses: [HERE] }] },
        ports: [{ name: "http", port: server.port }],
      },
    );
  });
  afterAll(async () => {
    await server?.stop();
    await cluster?.stop();
  });

  const apply = async (routing: string, ...more: string[]) => {
    const args = ["apply", "-f", "-", "--prune", "--image", image, "--wait", ...more];
    const { code, stderr } = await runModelgate(cluster.kubeconfig, args, resources(routing));
    expect(code, stderr).toBe(0);
  };
  /** Calls until the answer has a status, as istiod's pushes take their time. */
  const reach = async (status: number, send: () => Promise<Answer>): Promise<string> => {
    let last = "";
    const wanted = async () => {
      const answer = await send().catch((error) => ({ status: 0, body: String(error) }));
      last = `${answer.status} ${answer.body}`;
      return answer.status === status && answer;
    };
    return (await until(wanted, { everyMs: 200, message: () => `no ${status} but ${last}` })).body;
  };

  async function checkCalls(): Promise<void> {
    expect(await reach(200, () => call(chat("small")))).toBe(server.chunks.join(""));
    server.got.length = 0;
    const prompt = 'é"'.repeat(1_700_000);
    expect(await call(chat("vendor/small", prompt))).toMatchObject({ status: 200 });
    const [got] = server.got;
    expect(got?.path).toBe("/openai/v1/chat/completions");
    expect(got?.headers.authorization).toBe(`Bearer ${SERVER_KEY}`);
    expect(got?.body?.toString()).toBe(chat("its-own-name", prompt));
    const refusals: [Promise<Answer>, number, string][] = [
      [call(chat("small"), undefined, "wrong"), 401, "credential_unknown"],
      [call(chat("large")), 404, "model_not_found"],
      [call(chat("secret")), 403, "task_forbidden"],
      [call('{"model":"small","mod\\u0065l":"secret"}'), 400, "model_ambiguous"],
    ];
    for (const [answer, status, reason] of refusals) {
      const { status: given, body } = await answer;
      expect([given, JSON.parse(body).error.reason]).toEqual([status, reason]);
    }
    const { body } = await call("", "/v1/models");
    expect(JSON.parse(body).data.map(({ id }: { id: string }) => id)).toEqual(["small", "vendor/small"]);
    expect(server.got).toHaveLength(1);
  }

  it("are called by the name in the body", async () => {
    await apply("routes");
    await checkCalls();
  });

  it("are called so through a match tree", async () => {
    await apply("tree");
    await checkCalls();
  });

  it("are never called while the filter that reads the name can't be had", async () => {
    const filter = { apiVersion: "networking.istio.io/v1alpha3", kind: "EnvoyFilter" };
    const metadata = { name: "search-gateway-model-name", namespace: "search" };
    const live = await cluster.client.get({ ...filter, metadata });
    const broken = JSON.parse(JSON.stringify(live.spec).replaceAll(image, NOWHERE));
    await cluster.apply({ ...filter, metadata, spec: broken });
    await reach(403, () => call(chat("small")));
    expect(server.got.filter(({ path }) => path.includes("secret"))).toEqual([]);
    await apply("tree", "--force-conflicts");
    await reach(200, () => call(chat("small")));
  });
});
