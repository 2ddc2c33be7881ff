/** Against the fake API server; the real one has test/cluster/operator.test.ts. */

import { pino } from "pino";
import { Registry } from "prom-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FINALIZER } from "../../../tools/cluster/deploy/finalizer.ts";
import { ResourceChecks } from "../../../tools/cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";
import { type Leadership, soleLeader } from "../../../tools/servers/controller/leadership.ts";
import { Operator } from "../../../tools/servers/operator/operator.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";
import { settle } from "../../support/pace.ts";

const WITHIN = 10_000;
/** Half of a surrogate pair, in no JSON of RFC 8259: the schema takes it, and the filter can read none of the configuration. */
const UNREADABLE = { raw: { name: "\ud800", datatype: "FP32", shape: [1] } };
const API_VERSION = "modelgate.dev/v1alpha1";
const image = parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`);
let api: FakeApiServer;
const operators: Operator[] = [];

beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
});
afterEach(async () => {
  for (const operator of operators.splice(0)) await operator.stop();
  await api.stop();
});

function tenant(name: string, spec: object = {}): Manifest {
  const gateway = {
    name: "gateway",
    namespace: name,
    selector: { istio: name },
    hosts: [`*.${name}.example`],
  };
  return {
    apiVersion: API_VERSION,
    kind: "Tenant",
    metadata: { name },
    spec: { namespaces: [name], gateway, ...spec },
  };
}

function task(owner: string, name: string, taskid: string, spec: object = {}): Manifest {
  return {
    apiVersion: API_VERSION,
    kind: "ModelTask",
    metadata: { name, namespace: owner },
    spec: { taskid, tenant: owner, service: { name }, ...spec },
  };
}

async function start(leadership: Leadership = soleLeader) {
  const operator = new Operator({
    ...{
      client: api.client,
      log: pino({ level: "silent" }),
      checks: new ResourceChecks(),
      target: "istio" as const,
      image,
    },
    ...{ firstRetryMs: 50, lastRetryMs: 100 },
  });
  operators.push(operator);
  await operator.start(leadership, new Registry());
  return operator;
}

function ready(kind: string, name: string): string | undefined {
  const { conditions = [], observedGeneration } = (api.find(kind, name)?.status ?? {}) as {
    conditions?: { status: string; reason: string; message: string }[];
    observedGeneration?: number;
  };
  const [condition] = conditions;
  return condition && `${observedGeneration} ${condition.status} ${condition.reason}: ${condition.message}`;
}

const kinds = () => [...api.objects.values()].map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
const waitFor = (check: () => unknown) => vi.waitFor(check, WITHIN);

async function settled(): Promise<void> {
  for (let before = -1; before !== api.writes.length; ) {
    before = api.writes.length;
    await settle(300);
  }
}

describe("operator", () => {
  test("makes, changes and deletes what resources say", async () => {
    await start();
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    await waitFor(() => {
      expect(ready("Tenant", "search")).toMatch(/^1 True Applied/);
      expect(ready("ModelTask", "ranking")).toMatch(/^1 True Applied/);
    });
    expect(kinds()).toEqual(
      expect.arrayContaining(["WasmPlugin gateway-modelgate", "VirtualService ranking", "Gateway gateway"]),
    );
    const events = () => [...api.objects.values()].filter(({ kind }) => kind === "Event");
    // An Event is posted after the status that it is about.
    await waitFor(() =>
      expect(
        events()
          .map(({ reason, involvedObject }) => `${(involvedObject as Manifest).kind} ${reason}`)
          .sort(),
      ).toEqual(["ModelTask Applied", "Tenant Applied", "Tenant Reconciled"]),
    );

    await api.apply(task("search", "ranking", "666", { timeout: "3s" }));
    await waitFor(() => {
      expect(JSON.stringify(api.find("VirtualService", "ranking"))).toContain('"timeout":"3s"');
      expect(ready("ModelTask", "ranking")).toMatch(/^2 True/);
    });

    await api.client.delete(task("search", "ranking", "666"));
    // Routes go before what they point to.
    await waitFor(() => expect(api.find("DestinationRule", "ranking")).toBeUndefined());
    expect(api.find("VirtualService", "ranking")).toBeUndefined();

    expect(api.find("Tenant", "search")?.metadata.finalizers).toEqual([FINALIZER]);
    await api.client.delete(tenant("search"));
    await waitFor(() => expect(kinds().filter((each) => !each.startsWith("Event"))).toEqual([]));
  });

  test("comes to rest, and repairs what others broke", async () => {
    await start();
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
    await settled();
    const route = api.find("VirtualService", "ranking") as Manifest;
    await api.client.delete(route);
    await waitFor(() => expect(api.find("VirtualService", "ranking")).toBeDefined());
    await settled();
    await api.client.mergePatch(route, { spec: { hosts: ["stolen.example"], http: [] } });
    await waitFor(() =>
      expect(api.find("VirtualService", "ranking")?.spec).toMatchObject({ hosts: ["*.search.example"] }),
    );
  });

  test("a rollout's image stays, though the operator hears of it later than of a task", async () => {
    await start();
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
    await settled();
    const release = api.holdWatches("wasmplugins");
    const plugin = api.find("WasmPlugin", "gateway-modelgate") as Manifest;
    const url = `oci://registry.example/gateway@sha256:${"b".repeat(64)}`;
    await api.client.mergePatch(plugin, { spec: { ...(plugin.spec as object), url } });
    const tried = api.writes.length;
    await api.apply(task("search", "ranking", "666", { limits: { requestsPerSecond: 7 } }));
    await waitFor(() =>
      expect(api.writes.slice(tried).filter((write) => write.includes("/wasmplugins/"))).not.toEqual([]),
    );
    expect(ready("Tenant", "search")).toMatch(/^1 True/);
    release();
    await waitFor(() =>
      expect(JSON.stringify(api.find("WasmPlugin", "gateway-modelgate"))).toContain('"requestsPerSecond":7'),
    );
    expect(api.find("WasmPlugin", "gateway-modelgate")?.spec).toMatchObject({ url });
  });

  test("a faulty task is told so; the others go on, and who had a task id keeps it", async () => {
    await start();
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
    await api.apply(
      task("search", "copy", "666"),
      task("search", "routed", "667", { matches: [{ header: "x", exact: "1", version: "v9" }] }),
      task("search", "good", "668"),
    );
    await waitFor(() => {
      expect(ready("ModelTask", "copy")).toMatch(
        /^1 False Invalid: spec.taskid: "666" is the task id of another/,
      );
      expect(ready("ModelTask", "routed")).toMatch(/spec.matches\[0\].version: "v9" is no version/);
      expect(ready("ModelTask", "good")).toMatch(/^1 True/);
    });
    expect(api.find("VirtualService", "copy")).toBeUndefined();
    await api.client.delete(task("search", "ranking", "666"));
    await waitFor(() => expect(ready("ModelTask", "copy")).toMatch(/^1 True/));
  });

  describe("a task that was good and is not any more", () => {
    const plugin = () => JSON.stringify(api.find("WasmPlugin", "gateway-modelgate"));
    const limits = (requestsPerSecond: number) => ({ limits: { requestsPerSecond } });

    test.each<[string, object, RegExp]>([
      [
        "by the schema",
        { limits: { requestsPerSecond: -1 } },
        /spec.limits.requestsPerSecond: must be at least/,
      ],
      ["by the cross-checks", { mirror: { version: "v9" } }, /spec.mirror.version: "v9" is no version/],
      ["by the filter", { conversion: UNREADABLE }, /spec: the filter refuses the configuration/],
    ])("is served as it was; the others go on: %s", async (_by, bad, message) => {
      await start();
      await api.apply(tenant("search"), task("search", "ranking", "666", limits(7)));
      await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
      const route = structuredClone(api.find("VirtualService", "ranking")?.spec);
      await api.apply(task("search", "ranking", "666", bad));
      await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/^2 False Invalid: /));
      expect(ready("ModelTask", "ranking")).toMatch(message);
      expect(ready("ModelTask", "ranking")).toMatch(/the version that was applied last is served$/);
      // An Event is posted after the status that it is about.
      await waitFor(() => {
        const events = [...api.objects.values()].filter(({ kind }) => kind === "Event");
        expect(
          events.map(({ reason, involvedObject }) => `${reason} ${(involvedObject as Manifest).name}`),
        ).toContain("Invalid ranking");
      });
      await api.apply(task("search", "other", "667", limits(9)));
      await waitFor(() => expect(ready("ModelTask", "other")).toMatch(/^1 True Applied/));
      expect(ready("Tenant", "search")).toMatch(/^1 True Applied/);
      expect(plugin()).toContain('"requestsPerSecond":7');
      expect(plugin()).toContain('"requestsPerSecond":9');
      expect(api.find("VirtualService", "ranking")?.spec).toEqual(route);
      await api.apply(task("search", "ranking", "666", limits(8)));
      await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/^3 True/));
      expect(plugin()).toContain('"requestsPerSecond":8');
    });

    test("is served by a controller that comes later, and keeps its id", async () => {
      const first = await start();
      await api.apply(tenant("search"), task("search", "ranking", "666", limits(7)));
      await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
      await first.stop();
      await api.apply(task("search", "ranking", "667", { mirror: { version: "v9" } }));
      await start();
      await api.apply(task("search", "thief", "666"));
      await waitFor(() =>
        expect(ready("ModelTask", "thief")).toMatch(/^1 False Invalid: spec.taskid: "666" is the/),
      );
      await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/^2 False Invalid/));
      expect(plugin()).toContain('"requestsPerSecond":7');
      expect(api.find("VirtualService", "ranking")).toBeDefined();
    });
  });

  test("a Tenant whose public path names a task that is not there goes on", async () => {
    await start();
    await api.apply(tenant("search", { publicPaths: [{ path: "/healthz", task: "666" }] }));
    await api.apply(task("search", "other", "667"));
    await waitFor(() => {
      expect(ready("ModelTask", "other")).toMatch(/^1 True/);
      expect(ready("Tenant", "search")).toMatch(/^1 True/);
    });
  });

  describe("a Tenant at fault", () => {
    const FAULT =
      /^2 False Invalid: spec.tenantHeader: .*; until that is mended, the version that was applied/;

    test("has its new tasks served as it was applied last, also by a controller that comes later", async () => {
      const first = await start();
      await api.apply(
        tenant("search", { limits: { requestsPerSecond: 70 } }),
        task("search", "ranking", "666"),
      );
      await waitFor(() => expect(ready("Tenant", "search")).toMatch(/True/));
      await api.apply(tenant("search", { tenantHeader: "x-api-key", limits: { requestsPerSecond: 80 } }));
      await waitFor(() => expect(ready("Tenant", "search")).toMatch(FAULT));
      await api.apply(task("search", "late", "667"));
      await waitFor(() => expect(ready("ModelTask", "late")).toMatch(/^1 True Applied/));
      await first.stop();
      await start();
      await api.apply(task("search", "later", "668"));
      await waitFor(() => expect(ready("ModelTask", "later")).toMatch(/^1 True Applied/));
      expect(ready("Tenant", "search")).toMatch(FAULT);
      expect(api.find("VirtualService", "later")).toBeDefined();
      const plugin = JSON.stringify(api.find("WasmPlugin", "gateway-modelgate"));
      expect(plugin).toContain('"requestsPerSecond":70');
      expect(plugin).not.toContain('"requestsPerSecond":80');
      await api.apply(tenant("search", { limits: { requestsPerSecond: 90 } }));
      await waitFor(() => expect(ready("Tenant", "search")).toMatch(/^3 True/));
      expect(JSON.stringify(api.find("WasmPlugin", "gateway-modelgate"))).toContain('"requestsPerSecond":90');
    });

    test("from the start holds its own tasks alone", async () => {
      await start();
      await api.apply(tenant("search", { tenantHeader: "x-api-key" }), tenant("sales"));
      await api.apply(task("search", "late", "667"), task("sales", "forecast", "668"));
      await waitFor(() => {
        expect(ready("Tenant", "search")).toMatch(/^1 False Invalid: spec.tenantHeader: [^;]*$/);
        expect(ready("ModelTask", "late")).toMatch(/^1 False (Held|Invalid)/);
        expect(ready("ModelTask", "forecast")).toMatch(/^1 True/);
      });
      expect(api.find("VirtualService", "late")).toBeUndefined();
    });
  });

  test("what only the filter refuses is held back alone", async () => {
    await start();
    const limits = { requestsPerSecond: 5 };
    const faulty = { limits, conversion: UNREADABLE };
    await api.apply(
      tenant("search"),
      task("search", "good", "666", { limits }),
      task("search", "bad", "667", faulty),
      task("search", "other", "668"),
    );
    await waitFor(() => {
      expect(ready("ModelTask", "bad")).toMatch(
        /^1 False Invalid: spec: the filter refuses the configuration/,
      );
      expect(ready("ModelTask", "good")).toMatch(/^1 True Applied/);
      expect(ready("ModelTask", "other")).toMatch(/^1 True Applied/);
    });
    expect(api.find("VirtualService", "bad")).toBeUndefined();
    await waitFor(() => {
      const events = [...api.objects.values()].filter(({ kind }) => kind === "Event");
      expect(
        events.map(({ reason, involvedObject }) => [reason, (involvedObject as Manifest).name]),
      ).toContainEqual(["Invalid", "bad"]);
    });
  });

  test("a task without its Tenant waits for it", async () => {
    await start();
    await api.apply(task("search", "ranking", "666"));
    await waitFor(() =>
      expect(ready("ModelTask", "ranking")).toMatch(/False Invalid: spec.tenant: there is no Tenant/),
    );
    await api.apply(tenant("search"));
    await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
  });

  test("tries again what the API server refuses, and says so meanwhile", async () => {
    api.fault = (method, path) => (method === "PATCH" && path.includes("/wasmplugins/") ? 500 : undefined);
    await start();
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    await waitFor(() =>
      expect(ready("Tenant", "search")).toMatch(/^1 False ApplyFailed: .*WasmPlugin.*fault 500/s),
    );
    api.fault = () => undefined;
    await waitFor(() => expect(ready("Tenant", "search")).toMatch(/^1 True/));
  });

  test("leaves the image of a rollout, and objects of Tenants that it does not know", async () => {
    const operator = await start();
    await api.apply(tenant("search"));
    await waitFor(() => expect(ready("Tenant", "search")).toMatch(/True/));
    const plugin = api.find("WasmPlugin", "gateway-modelgate") as Manifest;
    const url = `oci://registry.example/gateway@sha256:${"b".repeat(64)}`;
    await api.client.mergePatch(plugin, { spec: { ...(plugin.spec as object), url } });
    const stranger: Manifest = {
      ...plugin,
      metadata: {
        ...plugin.metadata,
        name: "stranger",
        labels: { ...plugin.metadata.labels, "modelgate.dev/tenant": "files-only" },
      },
    };
    delete stranger.metadata.resourceVersion;
    await api.apply(stranger);
    operator.elected();
    await settled();
    expect(api.find("WasmPlugin", "gateway-modelgate")?.spec).toMatchObject({ url });
    expect(api.find("WasmPlugin", "stranger")).toBeDefined();
  });

  test("only the leader acts", async () => {
    const leadership = { ...soleLeader, isLeader: false };
    const operator = await start(leadership);
    await api.apply(tenant("search"), task("search", "ranking", "666"));
    const before = api.writes.length;
    await settled();
    expect(api.writes.length).toBe(before);
    leadership.isLeader = true;
    operator.elected();
    await waitFor(() => expect(ready("ModelTask", "ranking")).toMatch(/True/));
  });

  test("a Tenant with pods of its own is ready when they are", async () => {
    await start();
    const gateway = { name: "gateway", namespace: "search", hosts: ["*.search.example"], deployment: {} };
    await api.apply(tenant("search", { gateway }));
    await waitFor(() => expect(ready("Tenant", "search")).toMatch(/False GatewayUnavailable/));
    const conditions = [{ type: "Available", status: "True", message: "" }];
    await api.client.mergePatch(
      api.find("Deployment", "gateway") as Manifest,
      { metadata: {}, status: { conditions } },
      "/status",
    );
    await waitFor(() => expect(ready("Tenant", "search")).toMatch(/True Applied/));
  });
});
