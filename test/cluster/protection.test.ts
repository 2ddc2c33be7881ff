import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envoyAdmin } from "../../tools/lib/envoy/admin.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";
import { signed } from "../support/auth.ts";
import { attributesOf, type SpanReceiver, startSpanReceiver } from "../support/span-receiver.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { runModelgate } from "./support/modelgate.ts";
import { REGISTRY } from "./support/registry.ts";
import { BODY, listOf, TestTenant } from "./support/tenants.ts";
import { modelServer } from "./support/workloads.ts";

const NAMESPACE = "protected";
const HOST = "10.88.0.1";
const SECRET = "a signer's secret of more than 32 bytes";
const tenant = new TestTenant("protected", NAMESPACE, 8866);
/** Where the test listens as the OpenTelemetry collector. */
const TRACES = { service: "traces", namespace: NAMESPACE, port: 4318 };

describe("what a gateway's pod gets when it starts", () => {
  let cluster: Cluster;
  let key = "";
  let receiver: SpanReceiver;
  const admin = async (path: string) => {
    const labelSelector = "istio=protected-gateway";
    const [pod] = await cluster.client.list("v1", "Pod", { namespace: NAMESPACE, labelSelector });
    return envoyAdmin(cluster.client, { namespace: NAMESPACE, name: pod?.metadata.name ?? "" }, path);
  };

  beforeAll(async () => {
    cluster = await startCluster({ withProxyMetadata: true });
    receiver = await startSpanReceiver(TRACES.port, HOST);
    const image = await pushImage(
      await packImage(await readModule("gateway"), "compat"),
      parseReference(`oci://${REGISTRY}/modelgate/gateway:v1`),
    );
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      {
        ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "signer", namespace: NAMESPACE } },
        stringData: { key: SECRET },
      } as Manifest,
      ...modelServer(NAMESPACE, "task", [{ version: "v1", port: 9000 }]),
      ...serviceOf(TRACES, HOST),
    );
    const tuning = { tracing: { ...TRACES, percent: 100 } };
    const owner = tenant.resource({ protection: { maxConcurrentStreams: 77 }, tuning }) as Manifest & {
      spec: { credentials: object[] };
    };
    owner.spec.credentials.push({ id: "signer", type: "hmac", secretRef: { name: "signer", key: "key" } });
    const args = ["apply", "-f", "-", "--image", image, "--wait"];
    const { code, stderr } = await runModelgate(cluster.kubeconfig, args, listOf(owner, tenant.task("task")));
    expect(code, stderr).toBe(0);
    await tenant.untilServed("task");
    const made = {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "protected-gateway-sealing-key", namespace: NAMESPACE },
    };
    const { data } = (await cluster.client.get(made as Manifest)) as Manifest & { data: { key: string } };
    key = Buffer.from(data.key, "base64").toString();
  });
  afterAll(async () => {
    receiver?.stop();
    await cluster?.stop();
  });

  it("runtime and overload manager of its bootstrap, and the limits of its listener", async () => {
    expect(await admin("/runtime")).toContain("http.max_requests_per_io_cycle");
    const bootstrap = await admin("/config_dump?mask=bootstrap.overload_manager");
    expect(bootstrap).toContain("envoy.overload_actions.reset_high_memory_stream");
    expect(bootstrap).toContain(`"max_heap_size_bytes": "${0.75 * 2 * 2 ** 30}"`);
    expect(await admin("/config_dump?resource=dynamic_listeners")).toContain('"max_concurrent_streams": 77');
  });

  it("the tracer: a request's span is sent to the tenant's OpenTelemetry collector, with the filter's decision", async () => {
    expect((await tenant.call("task")).status).toBe(200);
    const told = () => receiver.spans.map(attributesOf);
    await expect
      .poll(told)
      .toContainEqual(expect.objectContaining({ "modelgate.tenant": "protected", "modelgate.passed": "1" }));
  });

  it("the sealing key: a signed request passes, and no dump holds key or secret", async () => {
    const call = {
      ...{ method: "POST", path: "/v2/models/linear/infer", authority: tenant.host },
      headers: [["taskid", "task"] as [string, string]],
      body: BODY,
    };
    const { headers } = signed(call, { keyid: "protected/signer", secret: Buffer.from(SECRET) });
    const answer = await tenant.call("task", {
      headers: { ...Object.fromEntries(headers), "x-api-key": "" },
    });
    expect(answer.status, answer.body).toBe(200);
    for (const path of ["/config_dump?include_eds", "/server_info", "/stats"])
      for (const secret of [SECRET, key, Buffer.from(SECRET).toString("base64").replace(/=+$/, "")])
        expect((await admin(path)).includes(secret), path).toBe(false);
  });
});

/** A Service without pods, served by a port of this machine. */
function serviceOf({ service, namespace, port }: typeof TRACES, address: string): Manifest[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: service, namespace },
      spec: { ports: [{ name: "http", port }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: service, namespace, labels: { "kubernetes.io/service-name": service } },
      addressType: "IPv4",
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: "http", port, protocol: "TCP" }],
    } as Manifest,
  ];
}
