import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { post } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const SYSTEM = "modelgate-system";
const ADDRESS = "10.88.0.1";
const GATEWAY = "search/search-gateway";

describe("a cluster where only resources are applied", () => {
  let cluster: Cluster;
  let controller: ChildProcess | undefined;
  beforeAll(async () => {
    cluster = await startCluster();
    const image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: SYSTEM } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
      ...controllerService(),
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reports", namespace: "search" } },
      tokenSecret("reports"),
    );
    const args = [
      ...["controller", "--kubeconfig", cluster.kubeconfig, "--lease-namespace", SYSTEM, "--image", image],
      ...["--listen", `${ADDRESS}:8090`, "--admin", "127.0.0.1:8091"],
      ...[
        "--controller",
        `${SYSTEM}/modelgate-controller:8090`,
        "--controller-token-secret",
        "reports-token",
      ],
    ];
    controller = spawn(process.execPath, [MODELGATE, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  });
  afterAll(async () => {
    if (controller && controller.exitCode === null) {
      controller.kill("SIGTERM");
      await once(controller, "exit");
    }
    await cluster?.stop();
  });

  it("answers requests", async () => {
    const applied = Date.now();
    await cluster.apply(...(await example("tenant.yaml")), ...(await example("tasks.yaml")));
    expect(await post({ taskid: "666" }, 200)).toContain('"y"');
    console.log(
      `first answer ${((Date.now() - applied) / 1000).toFixed(1)} s after the resources were applied`,
    );
  });

  it("its gateways prove themselves to the controller, and get their limits from it", async () => {
    await vi.waitFor(
      async () => {
        const metrics = await (await fetch("http://127.0.0.1:8091/metrics")).text();
        expect(metrics).toMatch(
          new RegExp(`^modelgate_controller_gateway_pods\\{gateway="${GATEWAY}"\\} [1-9]`, "m"),
        );
        expect(metrics).toMatch(/^modelgate_controller_reports_total\{status="200"\} [1-9]/m);
        expect(metrics).not.toMatch(/reports_total\{status="401"\}/);
      },
      { timeout: 30_000, interval: 200 },
    );
  });

  it("the token shows in no diff", async () => {
    const args = ["diff", "-f", EXAMPLE, "--controller", `${SYSTEM}/another:8090`];
    const { stdout } = await runModelgate(cluster.kubeconfig, [
      ...args,
      "--controller-token-secret",
      "reports-token",
    ]);
    expect(stdout).toContain("another.modelgate-system");
    const [header] = await tokens();
    expect(stdout).not.toContain(header);
    expect(stdout).toMatch(/sealedToken: [0-9a-f]+/);
  });

  async function tokens(): Promise<string[]> {
    const { data } = (await cluster.client.get(tokenSecret("reports"))) as Manifest & {
      data: { token: string };
    };
    return [Buffer.from(data.token, "base64").toString().slice(0, 20)];
  }
});

async function example(file: string): Promise<Manifest[]> {
  return parseAllDocuments(await readFile(join(EXAMPLE, file), "utf8")).map((document) => document.toJS());
}

/** The API server makes the token, as Kubernetes documents for long-lived tokens. */
function tokenSecret(account: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: `${account}-token`,
      namespace: "search",
      annotations: { "kubernetes.io/service-account.name": account },
    },
    type: "kubernetes.io/service-account-token",
  };
}

/** The controller runs beside the cluster; its Service says where. */
function controllerService(): Manifest[] {
  const metadata = { name: "modelgate-controller", namespace: SYSTEM };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { ports: [{ name: "http-reports", port: 8090 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, labels: { "kubernetes.io/service-name": metadata.name } },
      addressType: "IPv4",
      endpoints: [{ addresses: [ADDRESS], conditions: { ready: true } }],
      ports: [{ name: "http-reports", port: 8090 }],
    },
  ];
}
