import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CoreV1Api } from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ROLLOUT_LABEL } from "../../tools/cluster/deploy/owned-objects.ts";
import { readKustomization } from "../../tools/cluster/install/read-kustomization.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { ApiError } from "../../tools/lib/kubernetes/api-error.ts";
import { concurrently } from "../../tools/lib/kubernetes/concurrently.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import {
  type ControlPlane,
  installDefinitions,
  kubeconfigFor,
  startControlPlane,
} from "./support/api-server.ts";
import { runModelgate } from "./support/modelgate.ts";

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const IMAGE = `oci://registry.example/modelgate/gateway@sha256:${"a".repeat(64)}`;
const NEXT_IMAGE = IMAGE.replaceAll("a".repeat(64), "b".repeat(64));
const [TENANTS, TASKS] = [10, 50];
const API_VERSION = "modelgate.dev/v1alpha1";
const NAMESPACE = "search";
const WITHIN = 30_000;

let folder: TemporaryFolder;
let cluster: ControlPlane;
let kubeconfig: string;
const controllers = new Set<ChildProcess>();

beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-operator-"));
  cluster = await startControlPlane(folder.path);
  await installDefinitions(cluster);
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  const installation = await readKustomization(fileURLToPath(new URL("manifests/controller", PROJECT_ROOT)));
  await apply(...installation.filter(({ kind }) => kind !== "Deployment"));
  // The controllers run by the rights of their own ServiceAccount.
  const core = cluster.client.config.makeApiClient(CoreV1Api);
  const { status } = await core.createNamespacedServiceAccountToken({
    ...{ name: "modelgate-controller", namespace: "modelgate-system" },
    body: { spec: { audiences: [], expirationSeconds: 3600 } },
  });
  kubeconfig = join(folder.path, "controller-kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor("controller", status?.token ?? ""));
});

afterAll(async () => {
  for (const child of controllers) await end(child, "SIGTERM");
  for (const program of cluster?.programs ?? []) await program.stop();
  await folder?.remove();
});

function startController(port: number, ...more: string[]): ChildProcess {
  const args = [
    "controller",
    "--kubeconfig",
    kubeconfig,
    "--authenticate",
    "none",
    "--image",
    IMAGE,
    ...more,
  ];
  const addresses = ["--listen", `127.0.0.1:${port}`, "--admin", `127.0.0.1:${port + 1}`];
  const child = spawn(process.execPath, [MODELGATE, ...args, ...addresses], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr?.pipe(createWriteStream(join(folder.path, `controller-${port}.log`)));
  controllers.add(child);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  controllers.delete(child);
  child.kill(signal);
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function isLeader(port: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port + 1}/metrics`);
  return /^modelgate_controller_leader 1$/m.test(await response.text());
}

async function apply(...objects: Manifest[]): Promise<void> {
  for (const object of objects) await cluster.client.apply(object, { fieldManager: "kubectl", force: true });
}

function tenantOf(name: string, spec: object = {}, gateway: object = {}): Manifest {
  const hosts = [`*.${name}.models.example`];
  return {
    apiVersion: API_VERSION,
    kind: "Tenant",
    metadata: { name },
    spec: {
      gateway: { name: `${name}-gateway`, namespace: NAMESPACE, hosts, ...gateway },
      namespaces: [NAMESPACE],
      ...spec,
    },
  };
}

const tenant = tenantOf("search", {}, { name: "gateway" });

function task(name: string, taskid: string, spec: object = {}): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: "ModelTask",
    metadata: { name, namespace: NAMESPACE },
    spec: { taskid, tenant: "search", service: { name }, ...spec },
  };
}

async function get(apiVersion: string, kind: string, name: string): Promise<Manifest | undefined> {
  try {
    return await cluster.client.get({ apiVersion, kind, metadata: { name, namespace: NAMESPACE } });
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return undefined;
    throw error;
  }
}

const route = (name: string) => get("networking.istio.io/v1", "VirtualService", name);
const plugin = () => get("extensions.istio.io/v1alpha1", "WasmPlugin", "gateway-modelgate");

async function ready(object: Manifest): Promise<string> {
  const { status, metadata } = await cluster.client.get(object);
  const { conditions = [] } = (status ?? {}) as {
    conditions?: { status: string; reason: string; message: string; observedGeneration: number }[];
  };
  const [condition] = conditions;
  if (!condition) return "none";
  const age = condition.observedGeneration === metadata.generation ? "" : "old ";
  return `${age}${condition.status} ${condition.reason}: ${condition.message}`;
}

const waitFor = (check: () => Promise<unknown>) => vi.waitFor(check, { timeout: WITHIN, interval: 100 });

describe("a controller that reconciles", () => {
  let first: ChildProcess;

  it("makes what an applied Tenant and ModelTask say, and tells so", async () => {
    first = startController(18_401);
    await apply(tenant, task("ranking", "666", { limits: { requestsPerSecond: 7 } }));
    const applied = Date.now();
    await waitFor(async () => {
      expect(await ready(tenant)).toMatch(/^True Applied/);
      expect(await ready(task("ranking", "666"))).toMatch(/^True Applied/);
    });
    console.log(
      `ready after ${((Date.now() - applied) / 1000).toFixed(1)} s, the controller's start included`,
    );
    expect(await route("ranking")).toBeDefined();
    expect(JSON.stringify(await plugin())).toContain('"requestsPerSecond":7');
    const diff = await runModelgate(cluster.kubeconfig, ["get", "modeltasks"]);
    expect(diff.stdout).toMatch(/ranking +666/);
    const events = await cluster.client.list("v1", "Event", { namespace: NAMESPACE });
    const own = events.filter(
      ({ involvedObject }) => (involvedObject as { name: string }).name === "ranking",
    );
    expect(own).toMatchObject([{ reason: "Applied", type: "Normal" }]);
  });

  it("makes what modelgate apply makes", async () => {
    const file = JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [tenant, task("ranking", "666", { limits: { requestsPerSecond: 7 } })],
    });
    const { code, stdout } = await runModelgate(cluster.kubeconfig, ["diff", "-f", "-"], file);
    const changed = stdout.split("\n").filter((line) => line.startsWith("+++"));
    // The label that apply puts on the resources themselves.
    expect(
      changed.every((line) => /(Tenant|ModelTask) /.test(line)),
      stdout,
    ).toBe(true);
    expect(code).toBeLessThan(2);
  });

  it("follows a change", async () => {
    await apply(task("ranking", "666", { timeout: "3s" }));
    await waitFor(async () => {
      expect(JSON.stringify(await route("ranking"))).toContain('"timeout":"3s"');
      expect(await ready(task("ranking", "666"))).toMatch(/^True/);
    });
    expect(JSON.stringify(await plugin())).not.toContain('"requestsPerSecond":7');
  });

  it("puts back what was deleted or changed by hand", async () => {
    const object = (await route("ranking")) as Manifest;
    await cluster.client.delete(object);
    await waitFor(async () => expect(await route("ranking")).toBeDefined());
    await cluster.client.mergePatch(object, { spec: { http: [] } });
    await waitFor(async () => expect(JSON.stringify(await route("ranking"))).toContain('"timeout":"3s"'));
  });

  it("tells what is wrong, and mends when it is mended", async () => {
    const copy = task("copy", "666");
    await apply(copy, task("ranking", "666", { mirror: { version: "v9" } }), task("other", "667"));
    await waitFor(async () => {
      expect(await ready(task("ranking", "666"))).toMatch(
        /^False Invalid: spec.mirror.version: "v9" is no version of this task/,
      );
      expect(await ready(copy)).toMatch(/^False Invalid: spec.taskid: "666" is the task id of another task/);
      expect(await ready(task("other", "667"))).toMatch(/^True Applied/);
    });
    const columns = await runModelgate(cluster.kubeconfig, ["get", "modeltasks"]);
    expect(columns.stdout).toMatch(/copy/);
    expect(JSON.stringify(await route("ranking"))).toContain('"timeout":"3s"');
    const events = await cluster.client.list("v1", "Event", { namespace: NAMESPACE });
    expect(events.filter(({ type }) => type === "Warning").map(({ reason }) => reason)).toContain("Invalid");
    await apply(task("ranking", "666", { timeout: "4s" }));
    await cluster.client.delete(copy);
    await waitFor(async () => {
      expect(await ready(task("ranking", "666"))).toMatch(/^True/);
      expect(await ready(task("other", "667"))).toMatch(/^True/);
    });
  });

  it("serves a Tenant that was made bad as it was applied last, with tasks that are new", async () => {
    const { limits, ...good } = { ...(tenant.spec as object), limits: { requestsPerSecond: 900 } };
    const withLimits = (more: object) => ({ ...tenant, spec: { ...good, limits: { ...limits, ...more } } });
    await apply(withLimits({}));
    await waitFor(async () => {
      expect(await ready(tenant)).toMatch(/^True/);
      expect(JSON.stringify(await plugin())).toContain('"requestsPerSecond":900');
    });
    // The API server can't know that there is no such credential.
    await apply(
      withLimits({ requestsPerSecond: 13, exempt: { credentials: ["nobody"] } }),
      task("late", "669"),
    );
    await waitFor(async () => {
      expect(await ready(tenant)).toMatch(
        /^False Invalid: .*"nobody" is no credential.*applied last is served/,
      );
      expect(await ready(task("late", "669"))).toMatch(/^True Applied/);
    });
    const { status } = await cluster.client.get(tenant);
    expect(JSON.parse((status as { applied: string }).applied).limits).toEqual({ requestsPerSecond: 900 });
    const served = JSON.stringify(await plugin());
    expect([served.includes('"requestsPerSecond":900'), served.includes('"requestsPerSecond":13')]).toEqual([
      ...[true, false],
    ]);
    expect(served).toContain('"669"');
    expect(await route("late")).toBeDefined();
    await apply(tenant);
    await cluster.client.delete(task("late", "669"));
    await waitFor(async () => expect(await ready(tenant)).toMatch(/^True/));
  });

  it("a leader that is killed is replaced; its follower did nothing before", async () => {
    startController(18_411);
    await waitFor(async () => expect((await fetch("http://127.0.0.1:18412/readyz")).status).toBe(200));
    expect(await isLeader(18_401)).toBe(true);
    expect(await isLeader(18_411)).toBe(false);
    await end(first, "SIGKILL");
    await apply(task("ranking", "666", { timeout: "5s" }));
    await waitFor(async () => expect(JSON.stringify(await route("ranking"))).toContain('"timeout":"5s"'));
    expect(await isLeader(18_411)).toBe(true);
  });

  it("beside a rollout: leaves the canaries their image and gives them the configuration", async () => {
    const stable = (await plugin()) as Manifest & { spec: { url: string; selector: object } };
    const labels = { ...stable.metadata.labels, [ROLLOUT_LABEL]: "canary" };
    const metadata = { name: "gateway-modelgate-canary", namespace: NAMESPACE, labels };
    const { apiVersion, kind, spec } = stable;
    const canary: Manifest = { apiVersion, kind, metadata, spec: { ...spec, url: NEXT_IMAGE } };
    await cluster.client.apply(canary, { fieldManager: "modelgate" });
    await apply(task("ranking", "666", { limits: { requestsPerSecond: 11 } }));
    const urlAndLimit = async (object: Manifest) => {
      const { spec } = (await cluster.client.get(object)) as Manifest & { spec: { url: string } };
      return [spec.url, JSON.stringify(spec).includes('"requestsPerSecond":11')];
    };
    await waitFor(async () => {
      expect(await urlAndLimit(stable)).toEqual([IMAGE, true]);
      expect(await urlAndLimit(canary)).toEqual([NEXT_IMAGE, true]);
    });
    // What a rollout does at its end.
    await cluster.client.mergePatch(stable, { spec: { url: NEXT_IMAGE } });
    await cluster.client.delete(canary);
    await apply(task("ranking", "666", { timeout: "6s" }));
    await waitFor(async () => expect(JSON.stringify(await route("ranking"))).toContain('"timeout":"6s"'));
    await waitFor(async () => expect(await urlAndLimit(stable)).toEqual([NEXT_IMAGE, false]));
    await expect(cluster.client.get(canary)).rejects.toThrow(/not found/);
  });

  it("reads a Secret where it may, and says so where it may not", async () => {
    const keys = tenantOf("keys", { credentials: [{ id: "a", secretRef: { name: "keys", key: "a" } }] });
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "keys", namespace: NAMESPACE } };
    await apply({ ...secret, stringData: { a: "a-key-of-at-least-32-bytes-for-tests" } }, keys);
    await waitFor(async () =>
      expect(await ready(keys)).toMatch(
        /^False ApplyFailed: .*secrets "keys" is forbidden.*modelgate-controller/,
      ),
    );
    await apply({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "modelgate-secret-reader", namespace: NAMESPACE },
      roleRef: {
        apiGroup: "rbac.authorization.k8s.io",
        kind: "ClusterRole",
        name: "modelgate-secret-reader",
      },
      subjects: [{ kind: "ServiceAccount", name: "modelgate-controller", namespace: "modelgate-system" }],
    });
    await waitFor(async () => expect(await ready(keys)).toMatch(/^True Applied/));
    await cluster.client.delete(keys);
  });

  it("lets a gateway with TLS read its certificate, with no further right of its own", async () => {
    const name = "secure-gateway";
    const deployment = { serviceType: "ClusterIP" };
    const secure = tenantOf("secure", {}, { name, tls: { credentialName: "certificate" }, deployment });
    await apply(secure);
    await waitFor(async () =>
      expect(await get("rbac.authorization.k8s.io/v1", "RoleBinding", name)).toMatchObject({
        roleRef: { kind: "ClusterRole", name: "modelgate-gateway" },
        subjects: [{ kind: "ServiceAccount", name, namespace: NAMESPACE }],
      }),
    );
    await cluster.client.delete(secure);
    await waitFor(async () =>
      expect(await get("rbac.authorization.k8s.io/v1", "RoleBinding", name)).toBeUndefined(),
    );
  });

  it("deletes what it made: of a ModelTask, then of its Tenant", async () => {
    await cluster.client.delete(task("ranking", "666"));
    await waitFor(async () => expect(await route("ranking")).toBeUndefined());
    expect(await route("other")).toBeDefined();
    await cluster.client.delete(tenant);
    await waitFor(async () => {
      await expect(cluster.client.get(tenant)).rejects.toThrow(/not found/);
      expect(await ready(task("other", "667"))).toMatch(
        /^False Invalid: spec.tenant: there is no Tenant "search"/,
      );
    });
    expect(await route("other")).toBeUndefined();
    expect(await plugin()).toBeUndefined();
  });

  it("by the Gateway API, of many tasks that were there before it started", async () => {
    for (const child of controllers) await end(child, "SIGTERM");
    const names = Array.from({ length: TENANTS * TASKS }, (_, index) => `many-${index}`);
    const ofTenant = (index: number) => `many-${index % TENANTS}`;
    const tenants = Array.from({ length: TENANTS }, (_, index) =>
      tenantOf(`many-${index}`, {}, { name: `many-${index}` }),
    );
    const tasks = names.map((name, index) => task(name, name, { tenant: ofTenant(index) }));
    await apply(...tenants);
    await concurrently(tasks, 16, (each) => apply(each));
    const started = Date.now();
    startController(18_421, "--target", "gateway-api");
    await vi.waitFor(
      async () => {
        const stored = await cluster.client.list(API_VERSION, "ModelTask", { namespace: NAMESPACE });
        const applied = stored.filter((each) =>
          JSON.stringify(each.status ?? {}).includes('"reason":"Applied"'),
        );
        expect(applied.length).toBe(names.length);
      },
      { timeout: 120_000, interval: 500 },
    );
    console.log(
      `${names.length} tasks of ${TENANTS} tenants: ready ${((Date.now() - started) / 1000).toFixed(1)} s after the controller's start`,
    );
    const options = { namespace: NAMESPACE };
    expect(await cluster.client.list("gateway.networking.k8s.io/v1", "HTTPRoute", options)).toHaveLength(
      names.length,
    );
    expect(await cluster.client.list("networking.istio.io/v1", "VirtualService", options)).toEqual([]);
  });
});
