import { expect, it } from "vitest";
import { planObjects } from "../../../tools/cluster/deploy/plan.ts";
import { isUnchanged } from "../../../tools/cluster/deploy/unchanged.ts";
import { renderAll } from "../../../tools/cluster/istio/render.ts";
import { ResourceChecks, servedTasks, servedTenant } from "../../../tools/cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../../tools/lib/oci/reference.ts";

/** What a controller renders anew of a tenant with many tasks when one of them changes. */

const apiVersion = "modelgate.dev/v1alpha1";
const image = parseReference(`oci://registry.example/gateway@sha256:${"a".repeat(64)}`);
const tenant = (host = "a.example"): Manifest => ({
  ...{ apiVersion, kind: "Tenant", metadata: { name: "search", generation: 1 } },
  spec: { namespaces: ["search"], gateway: { name: "g", namespace: "search", hosts: [host] } },
});
const task = (index: number, timeout = "5s"): Manifest => ({
  ...{ apiVersion, kind: "ModelTask", metadata: { name: `t${index}`, namespace: "search" } },
  spec: { taskid: `t${index}`, tenant: "search", service: { name: `t${index}` }, timeout },
});
const checks = new ResourceChecks({ faults: () => [] });

function plan(...objects: Manifest[]) {
  const { tenants, tasks } = checks.check(structuredClone(objects));
  const served = tenants.get("search");
  const owner = served && servedTenant(served)?.resource;
  if (!owner) throw new Error("the Tenant is not served");
  const models = servedTasks(tasks.get("search") ?? []).map(({ resource }) => resource);
  const options = { target: "istio", image: () => image, secrets: () => undefined } as const;
  const { changes } = planObjects(renderAll([owner], models, options), new Map());
  return new Map(changes.map(({ desired }) => [`${desired.kind} ${desired.metadata.name}`, desired]));
}

const tasks = Array.from({ length: 70 }, (_, index) => task(index));

it("what did not change is the same object, stamped once", () => {
  const before = plan(tenant(), ...tasks);
  const after = plan(tenant(), task(0, "6s"), ...tasks.slice(1));
  const changed = [...after].filter(([name, object]) => object !== before.get(name));
  // One of the whole gateway is made anew, and is the same.
  const different = changed.filter(([name, object]) => !isUnchanged(before.get(name) as Manifest, object));
  expect(different.map(([name]) => name).sort()).toEqual(["EnvoyFilter g.search.t0", "VirtualService t0"]);
  expect(changed.filter(([name]) => /\bt\d/.test(name)).map(([name]) => name)).toEqual(
    expect.arrayContaining(["EnvoyFilter g.search.t0", "VirtualService t0", "DestinationRule t0"]),
  );
  expect(changed.some(([name]) => /\bt[1-9]/.test(name))).toBe(false);
});

it("a change of the Tenant is in all tasks' objects", () => {
  plan(tenant(), ...tasks);
  const after = plan(tenant("b.example"), ...tasks);
  for (const [name, object] of after)
    if (name.startsWith("VirtualService")) expect(JSON.stringify(object)).toContain("b.example");
});
