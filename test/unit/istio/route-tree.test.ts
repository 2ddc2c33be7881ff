import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelTask } from "../../../tools/api/model-task.ts";
import type { Tenant } from "../../../tools/api/tenant.ts";
import { OWNED_KINDS, orderOf } from "../../../tools/cluster/deploy/owned-objects.ts";
import { type RouteSource, routeTree, TREE_FROM_ROUTES } from "../../../tools/cluster/istio/route-tree.ts";
import {
  istioRoutes,
  patched,
  requests,
  routedTask,
  routedTenant,
  routeOf,
  tasks,
  type VirtualHost,
} from "../../support/routing.ts";

const host = (tenant: Tenant, all: ModelTask[], source: RouteSource): VirtualHost => ({
  name: "*:8866",
  domains: ["*"],
  routes: istioRoutes(tenant, all, source),
});

describe.each(["istio", "gateway-api"] as const)("the match tree of %s", (source) => {
  it("takes the route that Istio's routes take, and has answers of its own where they have none", () => {
    const tenant = routedTenant();
    const answers = new Set<string>();
    fc.assert(
      fc.property(tasks, fc.array(requests, { minLength: 1, maxLength: 20 }), (all, several) => {
        const plain = host(tenant, all, source);
        const tree = patched(plain, routeTree(tenant, all, source));
        const ids = new Set(all.map(({ spec }) => spec.taskid));
        for (const headers of several) {
          const [wanted, found] = [routeOf(plain, headers), routeOf(tree, headers)];
          if ((headers.taskid?.length ?? 0) > 1) {
            // Istio's routes take any of the tasks, by their order; the tree guesses none.
            expect(found?.name).toBe("modelgate.task_unknown");
          } else if (wanted) {
            const { match: _, ...settings } = wanted;
            expect(found).toMatchObject(settings);
            answers.add(wanted.name.replace(/\d+$/, ""));
          } else {
            const known = ids.has(headers.taskid?.join(",") ?? "");
            expect(found?.name).toBe(known ? "modelgate.version_unknown" : "modelgate.task_unknown");
            answers.add(found?.name ?? "");
          }
        }
      }),
      { numRuns: 300 },
    );
    const kinds = source === "istio" ? ["match-", "version-v", "default", "modelgate.version_unknown"] : [];
    expect([...answers]).toEqual(expect.arrayContaining([...kinds, "modelgate.task_unknown"]));
  });
});

it("is a small object for each task, and one more that comes last", () => {
  const tenant = routedTenant({ hosts: ["a.example", "b.example"] });
  const filters = routeTree(tenant, [routedTask("1"), routedTask("2")], "istio");
  expect(filters.map(({ metadata }) => metadata.name)).toEqual([
    "gw.models.task-1",
    "gw.models.task-2",
    "gw-routing",
  ]);
  expect(filters.map(orderOf)).toEqual([0, 0, 1].map((place) => OWNED_KINDS.length + place));
  const before = JSON.stringify(routeTree(tenant, [routedTask("1"), routedTask("2")], "istio")[0]);
  const after = routeTree(tenant, [routedTask("1"), routedTask("2", { timeout: "1s" })], "istio");
  expect(JSON.stringify(after[0])).toBe(before);
  expect(before.length).toBeLessThan(2500);
});

it("gives each task a name of its own that Kubernetes takes", () => {
  const long = "a.".repeat(126).slice(0, 251);
  const all = [`${long}aa`, `${long}ab`].map((name) => {
    const task = routedTask(name.slice(-2));
    return { ...task, metadata: { ...task.metadata, name } };
  });
  const names = routeTree(routedTenant(), all, "istio").map(({ metadata }) => metadata.name);
  expect(new Set(names).size).toBe(3);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(253);
});

it("the entries of tasks alone change nothing, and Istio's routes are back when the root is empty", () => {
  const tenant = routedTenant();
  const all = [routedTask("1")];
  const plain = host(tenant, all, "istio");
  const entries = routeTree(tenant, all, "istio").slice(0, -1);
  expect(patched(plain, entries)).toEqual(plain);
  const off = routeTree(routedTenant({ routing: "routes" }), all, "istio");
  expect(off.map(({ metadata }) => metadata.name)).toEqual(["gw-routing"]);
  expect(patched(plain, [...entries, ...off])).toEqual(plain);
});

it("stands from the number of routes on from which it pays, unless the Tenant says otherwise", () => {
  const many = Array.from({ length: TREE_FROM_ROUTES - 3 }, (_, index) => routedTask(String(index)));
  const versioned = routedTask("v", { versions: [{ name: "v1" }, { name: "v2" }] });
  const size = (routing: string | undefined, all: ModelTask[]) =>
    routeTree(routedTenant({ routing }), all, "istio").length;
  expect(size(undefined, many)).toBe(1);
  expect(size(undefined, [...many, versioned])).toBe(many.length + 2);
  expect(size("tree", [])).toBe(1);
  expect(size("tree", many)).toBe(many.length + 1);
  expect(size("routes", [...many, versioned])).toBe(1);
});
