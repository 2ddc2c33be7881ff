import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { settle } from "../support/pace.ts";
import {
  type ControlPlane,
  installDefinitions,
  kubeconfigFor,
  startControlPlane,
} from "./support/api-server.ts";
import { runModelgate } from "./support/modelgate.ts";

const IMAGE = `oci://registry.example/modelgate/gateway@sha256:${"a".repeat(64)}`;
const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };
const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gateway, namespace: search, hosts: [search.example], deployment: {} }
  credentials: [{ id: signer, type: hmac, secretRef: { name: signer, key: key } }]
`;

let cluster: ControlPlane;
/** Of a ServiceAccount that has what the tests bind to it. */
let kubeconfig: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-roles-"));
  cluster = await startControlPlane(folder);
  await installDefinitions(cluster);
  const install = ["install", "--image", "registry.example/modelgate:1", "--no-wait"];
  // The definitions are somebody else's: installDefinitions made them.
  expect((await runModelgate(cluster.kubeconfig, install)).stderr).toContain("--force-conflicts");
  expect((await runModelgate(cluster.kubeconfig, [...install, "--force-conflicts"])).stderr).toBe("");
  const metadata = { name: "deployer", namespace: "ci" };
  const objects: Manifest[] = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "ci" } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "search", labels: RESTRICTED } },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "ads" } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata },
    ...["search", "ads"].map((namespace) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "signer", namespace },
      stringData: { key: "k".repeat(32) },
    })),
  ];
  for (const object of objects) await cluster.client.apply(object, { fieldManager: "cluster-test" });
  const path = "api/v1/namespaces/ci/serviceaccounts/deployer/token";
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const { status } = await cluster.client.send("POST", path, request);
  kubeconfig = join(folder, "deployer.kubeconfig");
  await writeFile(kubeconfig, kubeconfigFor("deployer", (status as { token: string }).token));
});
afterAll(async () => {
  for (const program of cluster?.programs ?? []) await program.stop();
});

/** Binds a ClusterRole to the deployer, in one namespace or in all. */
async function bind(name: string, namespace?: string): Promise<void> {
  await cluster.client.apply(
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: namespace ? "RoleBinding" : "ClusterRoleBinding",
      metadata: { name: `deployer-${name}`, ...(namespace && { namespace }) },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name },
      subjects: [{ kind: "ServiceAccount", name: "deployer", namespace: "ci" }],
    } as Manifest,
    { fieldManager: "cluster-test" },
  );
  await settle(500);
}

const apply = (text: string, ...args: string[]) =>
  runModelgate(kubeconfig, ["apply", "-f", "-", "--image", IMAGE, ...args], text);

it("without a role: says what is lacking and where it is", async () => {
  const { code, stderr } = await apply(TENANT);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /system:serviceaccount:ci:deployer.*cannot list.*the roles in manifests\/controller/,
  );
});

it("without the right to read a Secret: says which role to bind where", async () => {
  await bind("modelgate-deployer");
  const { code, stderr } = await apply(TENANT);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^modelgate: Secret search\/signer: .*cannot get resource "secrets".*: bind the ClusterRole modelgate-secret-reader to the account in this namespace$/m,
  );
});

it("with both: applies, diffs, gets and deletes, and reads no Secret elsewhere", async () => {
  await bind("modelgate-secret-reader", "search");
  const applied = await apply(TENANT);
  expect(applied.stderr).toBe("");
  expect(applied.stdout).toContain("Deployment search/gateway created");
  const run = (...args: string[]) => runModelgate(kubeconfig, args);
  expect((await runModelgate(kubeconfig, ["diff", "-f", "-"], TENANT)).code).toBe(0);
  expect((await run("get", "tenants")).stdout).toContain("search/gateway");
  const elsewhere = TENANT.replaceAll("search", "ads").replace("name: gateway", "name: ads-gateway");
  expect((await apply(elsewhere)).stderr).toContain("Secret ads/signer");
});

it("the gateway's pods pass the restricted standard, which refuses others", async () => {
  const { spec } = await cluster.client.get({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "gateway", namespace: "search" },
  });
  const { template } = spec as { template: { metadata: object; spec: { containers: object[] } } };
  const pod = (spec: object): Manifest => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template.metadata, name: "try", namespace: "search" },
    spec,
  });
  const tried = { fieldManager: "cluster-test", dryRun: true };
  expect(await cluster.client.create(pod(template.spec), tried)).toMatchObject({ kind: "Pod" });
  const containers = template.spec.containers.map((each) => ({ ...each, securityContext: {} }));
  await expect(cluster.client.create(pod({ ...template.spec, containers }), tried)).rejects.toThrow(
    /violates PodSecurity "restricted/,
  );
  expect((await runModelgate(kubeconfig, ["delete", "tenant", "search"])).code).toBe(0);
});
