import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FINALIZER } from "../../tools/cluster/deploy/finalizer.ts";
import { OWNED_KINDS } from "../../tools/cluster/deploy/owned-objects.ts";
import { settle } from "../support/pace.ts";
import { type ControlPlane, startControlPlane } from "./support/api-server.ts";
import { runModelgate } from "./support/modelgate.ts";

const NAMESPACE = "modelgate-system";
let cluster: ControlPlane;

beforeAll(async () => {
  cluster = await startControlPlane(await mkdtemp(join(tmpdir(), "modelgate-install-")));
});
afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
});

const modelgate = (...args: string[]) => runModelgate(cluster.kubeconfig, args);

/** Whether a role lets somebody do something. */
async function may(user: object, verb: string, group: string, resource: string, namespace = NAMESPACE) {
  const [name, subresource] = resource.split("/");
  const attributes = { verb, group, resource: name, namespace, ...(subresource && { subresource }) };
  const review = await cluster.client.send("POST", "apis/authorization.k8s.io/v1/subjectaccessreviews", {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: { ...user, resourceAttributes: attributes },
  });
  return (review.status as { allowed: boolean }).allowed;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? (apiVersion.split("/")[0] ?? "") : "";
}

function pluralOf(kind: string): string {
  return (/[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`).toLowerCase();
}

it("a cluster without the custom resources says how to get them", async () => {
  expect((await modelgate("get", "tenants")).stderr).toContain("run modelgate install");
});

it("installs, twice, and the pods of controller and collector pass the restricted standard", async () => {
  for (const run of [1, 2]) {
    const { code, stderr, stdout } = await modelgate(
      "install",
      "--image",
      "registry.example/modelgate:0.1.0",
      // No kubelet runs here.
      "--no-wait",
    );
    expect(stderr, `run ${run}`).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain("CustomResourceDefinition tenants.modelgate.dev applied");
  }
  await expect.poll(() => cluster.client.list("v1", "Pod", { namespace: NAMESPACE })).toHaveLength(3);
  expect((await modelgate("get", "tenants")).stdout).toMatch(/^NAME/);
});

it("the API server refuses a Tenant that takes what another has", async () => {
  const tenant = (name: string, gateway: string, ...hosts: string[]) => ({
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "Tenant",
    metadata: { name },
    spec: { namespaces: ["a"], gateway: { name: gateway, namespace: "a", hosts } },
  });
  const tried = { fieldManager: "cluster-test", dryRun: true };
  const create = (...given: Parameters<typeof tenant>) => cluster.client.create(tenant(...given), tried);
  const search = tenant("search", "search-gateway", "*.search.example");
  await cluster.client.apply(search, { fieldManager: "cluster-test" });
  await expect
    .poll(() => create("a", "search-gateway", "a.example").catch(String))
    .toContain("a/search-gateway is the gateway of Tenant search");
  for (const host of ["*.search.example", "www.search.example", "*.a.search.example", "*.example", "*"])
    await expect(create("a", "a-gateway", "other.example", host)).rejects.toThrow(
      `${host} overlaps with a host of Tenant search: a host has one tenant`,
    );
  expect(await create("a", "a-gateway", "search.example", "a.example")).toMatchObject({ kind: "Tenant" });
  await cluster.client.apply(search, { fieldManager: "cluster-test" });
  await cluster.client.delete(search);
});

it("the controller may do what it needs and no more", async () => {
  const controller = { user: `system:serviceaccount:${NAMESPACE}:modelgate-controller` };
  expect(await may(controller, "list", "modelgate.dev", "tenants")).toBe(true);
  expect(await may(controller, "watch", "discovery.k8s.io", "endpointslices")).toBe(true);
  expect(await may(controller, "create", "coordination.k8s.io", "leases")).toBe(true);
  expect(await may(controller, "create", "coordination.k8s.io", "leases", "default")).toBe(false);
  expect(await may(controller, "get", "", "secrets")).toBe(false);
  expect(await may(controller, "delete", "", "pods")).toBe(false);
  expect(await may(controller, "create", "modelgate.dev", "tenants")).toBe(false);
  expect(await may(controller, "create", "rbac.authorization.k8s.io", "clusterroles")).toBe(false);
  for (const [apiVersion, kind] of OWNED_KINDS)
    for (const verb of ["list", "watch", "patch", "create", "delete"])
      expect(await may(controller, verb, groupOf(apiVersion), pluralOf(kind)), `${verb} ${kind}`).toBe(true);
});

it("the deployer may do what apply and rollout do", async () => {
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "modelgate-deployer" };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "deployer" }];
  const binding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "d" },
  };
  await cluster.client.apply({ ...binding, roleRef, subjects }, { fieldManager: "cluster-test" });
  await settle(500);
  const deployer = { user: "deployer" };
  for (const [apiVersion, kind] of OWNED_KINDS) {
    for (const verb of ["list", "patch", "create", "delete"])
      expect(await may(deployer, verb, groupOf(apiVersion), pluralOf(kind)), `${verb} ${kind}`).toBe(true);
  }
  expect(await may(deployer, "create", "", "pods/portforward")).toBe(true);
  expect(await may(deployer, "get", "", "secrets")).toBe(false);
});

it("uninstalls; the definitions only when told to and no Tenant is left", async () => {
  const tenant = {
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "Tenant",
    metadata: { name: "left" },
    spec: { namespaces: ["a"], gateway: { name: "g", namespace: "a", hosts: ["a.example"] } },
  };
  await cluster.client.apply(tenant, { fieldManager: "cluster-test" });
  expect((await modelgate("uninstall", "--crds")).stderr).toContain("there are Tenants left (left)");
  // As a controller left it, which uninstall takes away.
  await cluster.client.mergePatch(tenant, { metadata: { finalizers: [FINALIZER] } });
  const uninstalled = await modelgate("uninstall");
  expect(uninstalled.code).toBe(0);
  expect(uninstalled.stdout).toContain(
    "Namespace modelgate-system stays: it holds the volume store-modelgate-collector-0",
  );
  const volumes = await cluster.client.list("v1", "PersistentVolumeClaim", { namespace: NAMESPACE });
  expect(volumes.map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined]);
  await cluster.client.delete(tenant);
  for (const volume of volumes) await cluster.client.delete(volume);
  const { code, stdout } = await modelgate("uninstall", "--crds");
  expect(code).toBe(0);
  expect(stdout).toContain("CustomResourceDefinition tenants.modelgate.dev deleted");
  expect(stdout).toContain("Namespace modelgate-system deleted");
});
