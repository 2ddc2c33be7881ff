import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { modelTask } from "../../tools/api/model-task.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { tasksOfCluster } from "../../tools/serving/loadtest/task-store.ts";
import { renderWorkload } from "../../tools/serving/workload/render.ts";
import { until } from "../support/until.ts";
import { type ControlPlane, installDefinitions, startControlPlane } from "./support/api-server.ts";

const apiVersion = "modelgate.dev/v1alpha1";
const FIELD_MANAGER = { fieldManager: "cluster-test" };
let cluster: ControlPlane;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-workload-"));
  cluster = await startControlPlane(folder);
  await installDefinitions(cluster);
  const known = () => cluster.client.knows(apiVersion, "ModelTask");
  await until(known, { everyMs: 100, message: "the API server does not know ModelTask" });
  await cluster.client.apply(
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "models" } },
    FIELD_MANAGER,
  );
});
afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
});

const spec = {
  ...{ taskid: "666", tenant: "search", service: { name: "ranking" } },
  limits: { requestsPerSecond: 50, maxInFlightPerReplica: 8 },
  warmUp: { requests: 20, request: { model: "ranking" }, success: { latency: "50ms" } },
  placement: { cpus: 4, memory: "8Gi" },
  autoscaling: { maxReplicas: 9 },
};
const task = (over: object = {}): Manifest => ({
  ...{ apiVersion, kind: "ModelTask", metadata: { name: "ranking", namespace: "models" } },
  spec: { ...spec, ...over },
});
const rendered = (target: "deployment-patch" | "hpa") => {
  const options = { commandImage: "r.example/modelgate:1", prometheus: "" };
  return renderWorkload([modelTask.parse(task())], { ...options, target })[0] as Manifest;
};

describe("a ModelTask", () => {
  it.each([
    ["a request of two kinds", { warmUp: { request: { model: "a", path: "/b" } } }, "one of them"],
    ["warm-up without a request", { warmUp: { requests: 3 } }, "needs a request to send"],
    ["autoscaling without limits", { limits: undefined }, "needs limits"],
    ["autoscaling without a target", { limits: { perReplica: 1 } }, "needs autoscaling.inFlightPerReplica"],
    ["a range upside down", { autoscaling: { maxReplicas: 1 } }, "must not be below minReplicas"],
  ])("the API server refuses %s", async (_name, over, message) => {
    await expect(cluster.client.apply(task(over), FIELD_MANAGER)).rejects.toThrow(message);
  });

  it("the API server takes", async () => {
    const stored = await cluster.client.apply(task(), FIELD_MANAGER);
    expect(stored.spec).toMatchObject({
      drain: { endpointTimeout: "15s" },
      warmUp: { concurrency: 1, timeout: "60s" },
    });
  });

  it("gets the capacity that was found", async () => {
    const store = await tasksOfCluster(cluster.client, "models");
    const [found] = store.tasks;
    if (!found) throw new Error("no task");
    expect(await store.writePerReplica(found, 42)).toBe("ModelTask models/ranking in the cluster");
    const { limits } = (await cluster.client.get(task())).spec as { limits: object };
    expect(limits).toEqual({ perReplica: 42, maxInFlightPerReplica: 8 });
  });
});

describe("a task's Deployment", () => {
  it("takes the patch, its own container kept", async () => {
    await cluster.client.apply(
      {
        ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "ranking", namespace: "models" } },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: "ranking" } },
          template: {
            metadata: { labels: { app: "ranking" } },
            spec: {
              containers: [{ name: "model", image: "r.example/ranking:1", env: [{ name: "A", value: "b" }] }],
            },
          },
        },
      },
      FIELD_MANAGER,
    );
    const patch = rendered("deployment-patch");
    const patched = await cluster.client.send(
      "PATCH",
      "apis/apps/v1/namespaces/models/deployments/ranking?fieldValidation=Strict",
      patch,
      "application/strategic-merge-patch+json",
    );
    const pod = (patched.spec as { template: { spec: Record<string, never> } }).template.spec;
    expect(pod).toMatchObject({
      terminationGracePeriodSeconds: 35,
      initContainers: [{ name: "modelgate-warmup", restartPolicy: "Always" }],
      containers: [
        {
          ...{ name: "model", image: "r.example/ranking:1" },
          resources: { requests: { cpu: "4", memory: "8Gi" }, limits: { cpu: "4", memory: "8Gi" } },
          startupProbe: { httpGet: { path: "/startupz", port: 8867 } },
          lifecycle: { preStop: { httpGet: { path: "/drain" } } },
        },
      ],
    });
    const { env } = (pod as unknown as { containers: { env: object[] }[] }).containers[0] ?? {};
    expect(env).toEqual(
      expect.arrayContaining([
        { name: "A", value: "b" },
        { name: "OMP_NUM_THREADS", value: "4" },
      ]),
    );
  });

  it("makes pods of the class Guaranteed", async () => {
    const { template } = (await cluster.client.get(rendered("deployment-patch"))).spec as {
      template: { spec: object };
    };
    const pod = await cluster.client.send("POST", "api/v1/namespaces/models/pods", {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "ranking-1" } },
      spec: template.spec,
    });
    expect(pod.status).toMatchObject({ qosClass: "Guaranteed" });
  });

  it("takes the autoscaler", async () => {
    const stored = await cluster.client.apply(rendered("hpa"), FIELD_MANAGER);
    expect(stored.spec).toMatchObject({ maxReplicas: 9, metrics: [{ type: "External" }] });
  });
});
