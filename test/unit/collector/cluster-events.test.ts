import { pino } from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ModelTask } from "../../../tools/api/model-task.ts";
import type { Tenant } from "../../../tools/api/tenant.ts";
import { owned } from "../../../tools/cluster/istio/names.ts";
import type { Rollout } from "../../../tools/cluster/rollout/state.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { limitEvents, type Rates } from "../../../tools/servers/collector/cluster-events/limit-events.ts";
import { Owners } from "../../../tools/servers/collector/cluster-events/owners.ts";
import { rolloutEvents } from "../../../tools/servers/collector/cluster-events/rollout-events.ts";
import { ClusterWatch } from "../../../tools/servers/collector/cluster-events/watch-cluster.ts";
import type { Event } from "../../../tools/servers/collector/query/events.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";

const tenant = {
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    gateway: { name: "search-gateway", namespace: "search-ingress", hosts: ["*.search.models.example"] },
    namespaces: ["search-models"],
  },
};

function task(taskid: string, service: string, requestsPerSecond = 100) {
  return {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "ModelTask",
    metadata: { name: `task-${taskid}`, namespace: "search-models" },
    spec: { taskid, tenant: "search", service: { name: service }, limits: { requestsPerSecond } },
  };
}

const rollout: Rollout = {
  image: "oci://registry.example/modelgate/gateway@sha256:4f1c",
  previous: "oci://registry.example/modelgate/gateway@sha256:0000",
  steps: [5, 25, 100],
  step: 0,
  phase: "running",
  holder: "",
  intervalSeconds: 60,
  thresholds: {} as Rollout["thresholds"],
  startedAt: "2026-11-25T10:00:00.000Z",
  updatedAt: "2026-11-25T10:00:05.000Z",
  message: "",
};
const about = { tenant: "search", gateway: "search-ingress/search-gateway" };

describe("owners", () => {
  const owners = new Owners([tenant as unknown as Tenant], [
    task("666", "rank"),
    task("667", "rank-large"),
  ] as unknown as ModelTask[]);

  test.each([
    ["search-models", "rank", "666"],
    ["search-models", "rank-5d9f-abcde", "666"],
    ["search-models", "rank-large-5d9f-abcde", "667"],
    ["search-models", "task-667", "667"],
    ["search-models", "ranking", ""],
    ["search-ingress", "search-gateway-7c-x", ""],
  ])("%s/%s", (namespace, name, taskid) => {
    expect(owners.of(namespace, name)).toEqual({ ...about, taskid });
  });

  test("nobody's namespace", () => {
    expect(owners.of("kube-system", "rank")).toBeUndefined();
  });
});

describe("rollouts", () => {
  const reasons = (before: Rollout | undefined, now: Partial<Rollout>) =>
    rolloutEvents(before, { ...rollout, ...now }, about).map(
      ({ reason, time }) => `${reason} ${time.slice(11, 19)}`,
    );

  test("of a state seen first, start and end", () => {
    expect(reasons(undefined, { step: 1 })).toEqual(["RolloutStarted 10:00:00"]);
    expect(reasons(undefined, { phase: "rolledBack", updatedAt: "2026-11-25T10:03:00Z" })).toEqual([
      "RolloutStarted 10:00:00",
      "RolloutRolledBack 10:03:00",
    ]);
  });

  test("what changed", () => {
    expect(reasons(rollout, {})).toEqual([]);
    expect(reasons(rollout, { step: 1 })).toEqual(["RolloutStep 10:00:05"]);
    expect(reasons(rollout, { phase: "paused" })).toEqual(["RolloutPaused 10:00:05"]);
    expect(reasons({ ...rollout, phase: "paused" }, {})).toEqual(["RolloutResumed 10:00:05"]);
    expect(reasons(rollout, { phase: "done" })).toEqual(["RolloutDone 10:00:05"]);
    expect(reasons({ ...rollout, phase: "done" }, { phase: "done" })).toEqual([]);
    expect(reasons({ ...rollout, phase: "done" }, { startedAt: "2026-11-25T11:00:00Z" })).toEqual([
      "RolloutStarted 11:00:00",
    ]);
  });
});

test("limits that changed", () => {
  const rates = (...entries: [string, number][]): Rates =>
    new Map(entries.map(([taskid, rate]) => [taskid, { about: { ...about, taskid }, rate }]));
  const events = limitEvents(
    rates(["1", 120], ["2", 10], ["3", 5]),
    rates(["1", 90], ["3", 5], ["4", 7]),
    "",
  );
  expect(events.map(({ taskid, reason, message }) => [taskid, reason, message])).toEqual([
    ["1", "LimitLowered", "120 → 90 requests/s"],
    ["2", "LimitRemoved", "10 → no limit"],
    ["4", "LimitSet", "no limit → 7 requests/s"],
  ]);
});

describe("the watch of a cluster", () => {
  const server = new FakeApiServer();
  const events: Event[] = [];
  const registry = new Registry();
  let watch: ClusterWatch;

  beforeEach(async () => {
    await server.start();
    await server.apply(tenant as unknown as Manifest, task("666", "rank") as unknown as Manifest);
    await server.apply(
      event("old", "kube-system", "dns"),
      event("first", "search-models", "rank-5d9f-abcde"),
    );
    watch = new ClusterWatch({
      config: server.client.config,
      add: async (more) => void events.push(...more),
      registry,
      log: pino({ level: "silent" }),
    });
    await watch.start();
  });
  afterEach(async () => {
    await watch.stop();
    await server.stop();
  });

  test("tells of events, rollouts and limits", async () => {
    await vi.waitFor(() => expect(events.map(({ reason }) => reason)).toEqual(["first"]), 10_000);
    expect(events[0]).toEqual({
      ...about,
      time: "2026-11-25T10:00:00.000Z",
      type: "kubernetes",
      reason: "first",
      message: "Warning: it happened (3 times)",
      taskid: "666",
      version: "",
      source: "Pod/search-models/rank-5d9f-abcde",
    });
    await server.apply(event("second", "search-ingress", "search-gateway-1"), stored({}));
    await server.apply(stored({ step: 1 }), task("666", "rank", 50) as unknown as Manifest);
    const expected = ["first", "second", "RolloutStarted", "RolloutStep", "LimitLowered"];
    await vi.waitFor(
      () => expect(events.map(({ reason }) => reason).sort()).toEqual(expected.sort()),
      10_000,
    );
    expect(await registry.metrics()).toContain(
      'modelgate_rollout_phase{tenant="search",gateway="search-ingress/search-gateway",phase="running"} 1',
    );
  });

  function event(reason: string, namespace: string, name: string): Manifest {
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: reason, namespace },
      involvedObject: { kind: "Pod", namespace, name },
      ...{ reason, message: "it happened", type: "Warning", count: 3 },
      lastTimestamp: "2026-11-25T10:00:00Z",
    } as Manifest;
  }

  function stored(change: Partial<Rollout>): Manifest {
    return {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: owned("search", "modelgate-rollout-search-gateway", "search-ingress"),
      data: { rollout: JSON.stringify({ ...rollout, ...change }) },
    } as Manifest;
  }
});
