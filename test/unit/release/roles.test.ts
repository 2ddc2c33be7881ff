import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseAllDocuments } from "yaml";

interface Rule {
  apiGroups: string[];
  resources: string[];
  resourceNames?: string[];
  verbs: string[];
}
interface Role {
  kind: string;
  metadata: { name: string };
  rules: Rule[];
}

const roles = ["controller", "collector"].flatMap((part) => {
  const folder = join("manifests", part);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) =>
      parseAllDocuments(readFileSync(join(folder, name), "utf8")).map((each) => each.toJS() as Role),
    )
    .filter((object) => /^(Cluster)?Role$/.test(object?.kind ?? ""));
});
const rules = roles.flatMap(({ kind, metadata, rules }) =>
  rules.map((rule) => ({ kind, role: metadata.name, ...rule })),
);
const rolesWith = (has: (rule: Rule) => boolean) => [...new Set(rules.filter(has).map(({ role }) => role))];

it("no role may do everything with anything", () => {
  expect(roles.length).toBeGreaterThan(5);
  expect(rolesWith((rule) => [rule.apiGroups, rule.resources, rule.verbs].flat().includes("*"))).toEqual([]);
});

it("Secrets are read by gateways and by who seals with them, and changed by nobody", () => {
  const ofSecrets = rules.filter(({ resources }) => resources.includes("secrets"));
  expect([...new Set(ofSecrets.map(({ role }) => role))].sort()).toEqual([
    "modelgate-gateway",
    "modelgate-secret-reader",
  ]);
  for (const { verbs } of ofSecrets)
    for (const verb of ["update", "patch", "delete", "deletecollection"]) expect(verbs).not.toContain(verb);
});

it("nobody gives himself more: no escalate, no impersonate, and bind of one role alone", () => {
  expect(rolesWith(({ verbs }) => verbs.includes("escalate") || verbs.includes("impersonate"))).toEqual([]);
  for (const { verbs, resourceNames } of rules)
    if (verbs.includes("bind")) expect(resourceNames).toEqual(["modelgate-gateway"]);
});

it("controller and collector change nothing of the cluster but what they say of resources", () => {
  const READS = ["get", "list", "watch"];
  /** What a create of harms nobody: a question, and a line for people. */
  const SAID = ["tokenreviews", "events"];
  for (const { role, kind, resources, verbs } of rules) {
    if (kind !== "ClusterRole" || !["modelgate-controller", "modelgate-collector"].includes(role)) continue;
    if (resources.every((each) => each.endsWith("/status"))) continue;
    const more = verbs.filter((verb) => !READS.includes(verb));
    expect(more).toEqual(resources.every((each) => SAID.includes(each)) ? ["create"] : []);
  }
});

it("of its own namespace the controller changes its Lease and its notes of budgets alone", () => {
  const own = rules.filter(({ kind, role }) => kind === "Role" && role === "modelgate-controller");
  expect([...new Set(own.flatMap(({ resources }) => resources))].sort()).toEqual(["configmaps", "leases"]);
  for (const { verbs } of own) expect(verbs).not.toContain("delete");
});
