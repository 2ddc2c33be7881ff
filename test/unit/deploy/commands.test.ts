import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { applyCommand } from "../../../tools/cli/commands/apply.ts";
import { getCommand } from "../../../tools/cli/commands/get.ts";
import { rolloutCommand } from "../../../tools/cli/commands/rollout.ts";
import { taskCommand } from "../../../tools/cli/commands/task.ts";
import { validateCommand } from "../../../tools/cli/commands/validate.ts";
import { FakeApiServer } from "../../support/fake-api-server.ts";
import { runHere } from "../../support/modelgate.ts";

const connected = vi.hoisted(() => ({ client: undefined as unknown }));
vi.mock("../../../tools/lib/kubernetes/connect.ts", async (original) => {
  const real = await original<typeof import("../../../tools/lib/kubernetes/connect.ts")>();
  return { ...real, connect: (options: object) => connected.client ?? real.connect(options) };
});

const KEY = "a key of hmac that is long enough, or longer";
const DIGEST = `sha256:${"a".repeat(64)}`;
const API_VERSION = "modelgate.dev/v1alpha1";
let api: FakeApiServer;
let folder: string;
beforeEach(async () => {
  api = new FakeApiServer();
  await api.start();
  folder = await mkdtemp(join(tmpdir(), "modelgate-commands-"));
});
afterEach(async () => {
  connected.client = undefined;
  await api.stop();
  await rm(folder, { recursive: true });
});

it.each(["yaml", "json"])("apply -o %s shows no key and no token", async (form) => {
  connected.client = api.client;
  const secret = (name: string, data: object) => ({
    ...{ apiVersion: "v1", kind: "Secret", metadata: { name, namespace: "search" } },
    data,
  });
  await api.apply(
    secret("keys", { hmac: Buffer.from(KEY).toString("base64") }),
    secret("reports", { token: Buffer.from("proof-of-the-gateway").toString("base64") }),
  );
  const file = join(folder, "tenant.json");
  const tenant = {
    apiVersion: API_VERSION,
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["search"],
      gateway: { name: "g", namespace: "search", hosts: ["a.example"], deployment: {} },
      credentials: [{ id: "a", type: "hmac", secretRef: { name: "keys", key: "hmac" } }],
    },
  };
  await writeFile(file, JSON.stringify(tenant));
  const image = `oci://registry.example/gateway@${DIGEST}`;
  const controller = ["--controller", "modelgate-system/c:8090", "--controller-token-secret", "reports"];
  const dryRun = ["--image", image, "--dry-run", "client", "-o", form];
  const { stdout, stderr } = await runHere(applyCommand(), ["-f", file, ...controller, ...dryRun]);
  expect(stderr).toBe("");
  expect(stdout).toContain("sealedSecret");
  expect(stdout).toContain("sealedToken");
  expect(stdout).not.toContain("proof-of-the-gateway");
  expect(stdout).not.toContain(Buffer.from(KEY).toString("base64"));
});

it("a kubeconfig that is none is named", async () => {
  const file = join(folder, "config");
  await writeFile(file, "not: [yaml");
  const { code, stderr } = await runHere(getCommand(), ["tenants", "--kubeconfig", file]);
  expect(code).toBe(1);
  expect(stderr).toContain(`${file}: is no kubeconfig: `);
});

it.each(["Infinity", "-1", "x", ""])("a rollout takes no threshold of %j", async (value) => {
  const args = ["start", "--gateway", "g", "--image", "i", "--error-points", value];
  const { code, stderr } = await runHere(rolloutCommand(), args);
  expect(code).toBe(1);
  expect(stderr).toContain("must be a number of 0 or more");
});

it.each([
  ["oci://registry.example/gateway:v1", "name the image by digest"],
  [
    `oci://registry.example/gateway:v1@${DIGEST}`,
    `the gateway runs oci://registry.example/gateway@${DIGEST} already`,
  ],
])("no rollout of %s", async (image, message) => {
  connected.client = api.client;
  const name = "g-modelgate";
  const gateway = { name: "g", namespace: "search", hosts: ["a.example"] };
  await api.apply(
    {
      ...{ apiVersion: API_VERSION, kind: "Tenant", metadata: { name: "search" } },
      spec: { namespaces: ["search"], gateway },
    },
    {
      ...{ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin" },
      metadata: { name, namespace: "search" },
      spec: {
        url: `oci://registry.example/gateway@${DIGEST}`,
        selector: { matchLabels: { "modelgate.dev/slice": "stable" } },
      },
    },
  );
  const { code, stderr } = await runHere(rolloutCommand(), ["start", "--gateway", "g", "--image", image]);
  expect(code).toBe(1);
  expect(stderr).toContain(message);
});

it("discover takes whole seconds", async () => {
  const args = ["discover", "127.0.0.1:1", "--model", "m", "--taskid", "t", "--timeout", "x"];
  expect((await runHere(taskCommand(), args)).stderr).toContain("must be a whole number of seconds");
});

it("a gateway's Deployment starts with the least replicas of its autoscaler, and apply leaves them alone then", async () => {
  connected.client = api.client;
  await api.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } });
  const file = join(folder, "tenant.json");
  const gateway = { name: "g", namespace: "search", hosts: ["a.example"], deployment: { minReplicas: 3 } };
  const spec = { namespaces: ["search"], gateway };
  await writeFile(
    file,
    JSON.stringify({ apiVersion: API_VERSION, kind: "Tenant", metadata: { name: "search" }, spec }),
  );
  const args = ["-f", file, "--image", `oci://registry.example/gateway@${DIGEST}`];
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "g", namespace: "search" },
  };
  expect((await runHere(applyCommand(), args)).stderr).toBe("");
  const created = (await api.client.get(deployment)).spec as { replicas: number; template: object };
  expect([created.replicas, typeof created.template]).toEqual([3, "object"]);
  const writes = api.writes.length;
  expect((await runHere(applyCommand(), args)).stderr).toBe("");
  expect(api.writes.slice(writes)).toEqual([]);
});

it("files without a Tenant or ModelTask are a mistake, unless they may be empty", async () => {
  const file = join(folder, "empty.yaml");
  await writeFile(file, "# nothing yet\n");
  const { code, stderr } = await runHere(validateCommand(), ["-f", file]);
  expect([code, stderr]).toEqual([
    1,
    `${file}: no Tenant and no ModelTask there; say --allow-empty if that is meant\n`,
  ]);
  expect((await runHere(validateCommand(), ["--allow-empty", "-f", file])).code).toBe(0);
});

it("without a kubeconfig, it says where it looked", async () => {
  vi.stubEnv("KUBECONFIG", join(folder, "none"));
  const { code, stderr } = await runHere(getCommand(), ["tenants"]);
  vi.unstubAllEnvs();
  expect([code, stderr]).toEqual([
    1,
    `no cluster is known: $KUBECONFIG (${join(folder, "none")}) is not there, and this is no pod; name a kubeconfig with --kubeconfig\n`,
  ]);
});

it("get -o name prints what kubectl would", async () => {
  connected.client = api.client;
  const spec = {
    namespaces: ["search"],
    gateway: { name: "g", namespace: "search", hosts: ["a.example"] },
    credentials: [],
  };
  await api.apply({ apiVersion: API_VERSION, kind: "Tenant", metadata: { name: "search" }, spec } as never);
  expect(await runHere(getCommand(), ["tenants", "-o", "name"])).toMatchObject({
    code: 0,
    stdout: "tenant.modelgate.dev/search\n",
  });
});
