import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { envoyAdmin } from "../../tools/envoy/admin.ts";
import { wasmPlugin } from "../../tools/istio/wasm-plugin.ts";
import type { Manifest } from "../../tools/kubernetes/manifest.ts";
import { packImage, VARIANTS } from "../../tools/oci/image.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pushImage } from "../../tools/oci/registry.ts";
import { readModule } from "../../tools/wasm/read.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { MODEL_SERVER_IMAGE } from "./support/node.ts";
import { REGISTRY } from "./support/registry.ts";

const NAMESPACE = "search";
const NETWORKING = "networking.istio.io/v1";
const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});

describe("Gateway, VirtualService and WasmPlugin through istiod", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
      ...workload("service-666", { name: "model", image: MODEL_SERVER_IMAGE, port: 9000 }),
      ...workload("search-gateway", { name: "istio-proxy", image: "auto", port: 8866 }),
      istio("Gateway", "search-gateway", {
        selector: { app: "search-gateway" },
        servers: [{ port: { number: 8866, name: "http", protocol: "HTTP" }, hosts: ["*"] }],
      }),
      istio("VirtualService", "task-666", {
        hosts: ["*"],
        gateways: ["search-gateway"],
        http: [
          {
            match: [{ headers: { taskid: { exact: "666" } } }],
            route: [{ destination: { host: `service-666.${NAMESPACE}.svc.cluster.local` } }],
          },
        ],
      }),
    );
  });
  afterAll(() => cluster?.stop());

  it.each(VARIANTS)("serves the filter pulled as %s", async (variant) => {
    const image = await packImage(await readModule("gateway"), variant);
    const pushed = await pushImage(image, parseReference(`oci://${REGISTRY}/modelgate/${variant}:v1`));
    const plugin = wasmPlugin({
      name: "modelgate-gateway",
      namespace: NAMESPACE,
      selector: { app: "search-gateway" },
      image: parseReference(pushed),
      pluginConfig,
    });
    await cluster.apply(plugin);
    expect(await post("a-bad-key", 401)).toMatch("credential_unknown");
    const pods = await cluster.client.list("v1", "Pod", {
      namespace: NAMESPACE,
      labelSelector: "app=search-gateway",
    });
    const pod = { namespace: NAMESPACE, name: pods[0]!.metadata.name };
    console.log((await envoyAdmin(cluster.client, pod, "/config_dump?resource=ecds_filters")).slice(0, 3000));
    console.log(
      (await envoyAdmin(cluster.client, pod, "/stats?filter=wasm|http.outb|modelgate")).slice(0, 6000),
    );
    expect(JSON.parse(await post(KEY, 200)).outputs[0]).toMatchObject({ name: "y", shape: [1, 2] });
  });
});

/** Sends a request to the gateway until it is answered with a status, 20 s at most. @returns the last reply */
async function post(key: string, status: number): Promise<string> {
  let last = "";
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch("http://10.88.0.1:8866/v2/models/linear/infer", {
      method: "POST",
      headers: { "x-api-key": key, taskid: "666" },
      body: BODY,
    }).catch(() => undefined);
    last = (await response?.text()) ?? "no connection";
    if (response?.status === status) return last;
    await sleep(200);
  }
  throw new Error(`no ${status} but ${last}`);
}

/** A Deployment of one pod with its Service, port 8866. */
function workload(name: string, container: { name: string; image: string; port: number }): Manifest[] {
  const labels = { app: name };
  const metadata = { name, namespace: NAMESPACE };
  const { port, ...rest } = container;
  const template = {
    metadata: { labels },
    spec: { containers: [{ ...rest, ports: [{ containerPort: port }] }] },
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata,
      spec: { selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { selector: labels, ports: [{ name: "grpc", port: 8866, targetPort: port }] },
    },
  ];
}

function istio(kind: string, name: string, spec: object): Manifest {
  return { apiVersion: NETWORKING, kind, metadata: { name, namespace: NAMESPACE }, spec };
}
