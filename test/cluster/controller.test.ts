import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api } from "@kubernetes/client-node";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { ResourceChecks } from "../../tools/cluster/stored/custom-resources.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import {
  type Controller,
  type ControllerOptions,
  startController,
} from "../../tools/servers/controller/controller.ts";
import { LeaseElection } from "../../tools/servers/controller/kubernetes/election.ts";
import { KubernetesSource } from "../../tools/servers/controller/kubernetes/source.ts";
import { serviceAccountToken } from "../../tools/servers/controller/kubernetes/token-review.ts";
import { FakeGatewayPod } from "../support/fake-gateway-pod.ts";
import { pace, settle } from "../support/pace.ts";
import { type ControlPlane, installDefinitions, startControlPlane } from "./support/api-server.ts";

const MODELGATE = fileURLToPath(new URL("../../tools/cli/modelgate.ts", import.meta.url));
const AUDIENCE = "modelgate-controller";
const log = pino({ level: "silent" });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cluster: ControlPlane;
const running: Controller[] = [];

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-controller-"));
  cluster = await startControlPlane(folder.path);
  await installDefinitions(cluster);
  for (const name of ["search-ingress", "search-models"])
    await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
  for (const namespace of ["search-ingress", "search-models"])
    await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "gateway", namespace } });
  // The API server needs a moment to serve what it was just told of.
  await vi.waitFor(() => apply(tenant, task(50), endpoints(2)), 20_000);
  for (const name of ["gateway-a", "gateway-b"]) await runPod(name);
});

afterEach(async () => {
  for (const controller of running.splice(0)) await controller.stop();
});

afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
  await folder?.remove();
});

const tenant: Manifest = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    gateway: { name: "search-gateway", namespace: "search-ingress", hosts: ["*.search.models.example"] },
    namespaces: ["search-models"],
  },
};

function task(perReplica: number): Manifest {
  return {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: "ranking", namespace: "search-models" },
    spec: { taskid: "666", tenant: "search", service: { name: "service-666" }, limits: { perReplica } },
  };
}

/** Ready replicas, and one more that isn't. */
function endpoints(ready: number): Manifest {
  const endpoint = (index: number) => ({
    addresses: [`10.9.0.${index + 1}`],
    conditions: { ready: index < ready },
  });
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: "service-666-abc",
      namespace: "search-models",
      labels: { "kubernetes.io/service-name": "service-666" },
    },
    addressType: "IPv4",
    endpoints: Array.from({ length: ready + 1 }, (_, index) => endpoint(index)),
    ports: [{ port: 8866 }],
  } as Manifest;
}

async function apply(...objects: Manifest[]): Promise<void> {
  for (const object of objects) await cluster.client.apply(object, { fieldManager: "test", force: true });
}

function pod(name: string): Manifest {
  const metadata = { name, namespace: "search-ingress", labels: { istio: "search-gateway" } };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: { serviceAccountName: "gateway", containers: [{ name: "proxy", image: "none" }] },
  } as Manifest;
}

async function runPod(name: string): Promise<void> {
  await apply(pod(name));
  await cluster.client.mergePatch(pod(name), { status: { phase: "Running" } }, "/status");
}

async function deletePod(name: string): Promise<void> {
  const core = cluster.client.config.makeApiClient(CoreV1Api);
  await core.deleteNamespacedPod({ name, namespace: "search-ingress", gracePeriodSeconds: 0 });
}

async function start(options: Partial<ControllerOptions> = {}): Promise<Controller> {
  const source = new KubernetesSource(cluster.client.config, log, new ResourceChecks());
  const controller = await startController({ source, hold: 0, ...options });
  running.push(controller);
  return controller;
}

async function rounds(url: string, pods: FakeGatewayPod[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await pace(60);
    await Promise.all(pods.map((each) => each.report(url)));
  }
}

const total = (pods: FakeGatewayPod[]) => pods.reduce((sum, { rate }) => sum + rate, 0);

describe("a controller on a real API server", () => {
  test("follows ModelTask, EndpointSlice and the gateway's pods", async () => {
    const { url } = await start();
    const pods = [new FakeGatewayPod("gateway-a", 500), new FakeGatewayPod("gateway-b", 500)] as const;
    await rounds(url, [...pods], 4);
    expect(total([...pods])).toBeGreaterThan(95);
    expect(total([...pods])).toBeLessThanOrEqual(100);

    await apply(endpoints(4));
    await vi.waitFor(async () => {
      await rounds(url, [...pods], 1);
      expect(total([...pods])).toBeGreaterThan(190);
    }, 5000);
    await apply(task(20));
    await vi.waitFor(async () => {
      await rounds(url, [...pods], 1);
      expect(total([...pods])).toBeLessThanOrEqual(80);
    }, 5000);

    const stranger = await new FakeGatewayPod("elsewhere", 1).report(url);
    expect(await stranger.json()).toMatchObject({ reason: "pod_unknown" });

    await deletePod("gateway-b");
    await vi.waitFor(async () => {
      await rounds(url, [pods[0]], 1);
      expect(pods[0].rate).toBeGreaterThan(78);
    }, 5000);
    await runPod("gateway-b");
    await apply(task(50), endpoints(2));
  });

  test("takes bound ServiceAccount tokens of the gateway's own pods only", async () => {
    const { url } = await start({ authenticate: serviceAccountToken(cluster.client.config, [AUDIENCE]) });
    const a = new FakeGatewayPod("gateway-a", 1);
    const answer = async (token: string | undefined, from = a) => {
      await pace(60);
      const response = await from.report(
        url,
        token === undefined ? {} : { authorization: `Bearer ${token}` },
      );
      return response.status === 200
        ? 200
        : `${response.status} ${((await response.json()) as { reason: string }).reason}`;
    };
    const bound = await token("search-ingress", AUDIENCE, "gateway-a");
    expect(await answer(bound)).toBe(200);
    expect(await answer(undefined)).toBe("401 credential_missing");
    expect(await answer("garbage")).toBe("401 credential_unknown");
    expect(await answer(bound, new FakeGatewayPod("gateway-b", 1))).toBe("403 gateway_forbidden");
    expect(await answer(await token("search-models", AUDIENCE))).toBe("403 gateway_forbidden");
    expect(await answer(await token("search-ingress", "another"))).toBe("401 credential_unknown");
    expect(await answer(await token("search-ingress", AUDIENCE))).toBe(200);
  });

  test("leads alone; the other one forwards or redirects, and takes over", async () => {
    const elected = (identity: string, url: string) =>
      new LeaseElection({
        ...{ config: cluster.client.config, namespace: "search-ingress", identity, url, log },
        ...{ name: "election", retryMs: 300 },
      });
    const start1 = await startOn(18_301, elected("one", "http://127.0.0.1:18301"));
    await vi.waitFor(
      async () => expect((await new FakeGatewayPod("gateway-a", 1).report(start1.url)).status).toBe(200),
      5000,
    );
    const start2 = await startOn(18_302, elected("two", "http://127.0.0.1:18302"));
    const redirecting = await startOn(18_303, elected("three", "http://127.0.0.1:18303"), {
      whenFollower: "redirect",
    });
    const a = new FakeGatewayPod("gateway-a", 500);
    await vi.waitFor(async () => expect((await a.report(start2.url)).status).toBe(200), 5000);
    await vi.waitFor(async () => {
      const response = await a.report(redirecting.url);
      expect(response.status).toBe(307);
      expect(response.headers.get("location")).toBe(`${start1.url}/v1/report`);
    }, 5000);
    await redirecting.stop();

    const { generation } = a;
    await start1.stop();
    await vi.waitFor(async () => {
      const response = await a.report(start2.url);
      expect(response.status).toBe(200);
      expect(a.generation).toBeGreaterThan(generation);
    }, 10_000);
  });

  test("a leader that is killed is replaced when its Lease runs out", async () => {
    const child = spawn(
      process.execPath,
      [MODELGATE, "controller", "--kubeconfig", cluster.kubeconfig, "--listen", "127.0.0.1:18311"].concat(
        ...[
          ["--admin", "127.0.0.1:18312"],
          ["--authenticate", "none"],
          ["--lease-namespace", "search-ingress"],
        ],
      ),
      { stdio: "inherit" },
    );
    const a = new FakeGatewayPod("gateway-a", 1);
    await vi.waitFor(async () => expect((await a.report("http://127.0.0.1:18311")).status).toBe(200), 20_000);
    const leadership = new LeaseElection({
      ...{ config: cluster.client.config, namespace: "search-ingress", identity: "two" },
      ...{ url: "http://127.0.0.1:18313", log, retryMs: 500 },
    });
    const follower = await startOn(18_313, leadership);
    await vi.waitFor(async () => expect((await a.report(follower.url)).status).toBe(200), 5000);
    expect(leadership.isLeader).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    await settle(100);
    expect((await a.report(follower.url)).status).toBe(503);
    await vi.waitFor(async () => expect((await a.report(follower.url)).status).toBe(200), 20_000);
    expect(leadership.isLeader).toBe(true);
  });
});

function startOn(
  port: number,
  leadership: LeaseElection,
  options: Partial<ControllerOptions> = {},
): Promise<Controller> {
  return start({ listen: { host: "127.0.0.1", port }, leadership, ...options });
}

async function token(namespace: string, audience: string, boundTo?: string): Promise<string> {
  const core = cluster.client.config.makeApiClient(CoreV1Api);
  const spec = { audiences: [audience], expirationSeconds: 3600 };
  const boundObjectRef = boundTo && { kind: "Pod", apiVersion: "v1", name: boundTo };
  const { status } = await core.createNamespacedServiceAccountToken({
    name: "gateway",
    namespace,
    body: { spec: boundObjectRef ? { ...spec, boundObjectRef } : spec },
  });
  return status?.token ?? "";
}
