import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { isKey } from "../support/is-key.ts";
import { type Cluster, startCluster } from "./support/cluster.ts";
import { pushModule } from "./support/images.ts";
import { runModelgate } from "./support/modelgate.ts";
import { post } from "./support/requests.ts";
import { modelServer } from "./support/workloads.ts";

const EXAMPLE = fileURLToPath(new URL("manifests/examples/new-tenant", PROJECT_ROOT));
const CONTROLLER = "modelgate-system/modelgate-controller:8090";
const PLUGIN = {
  apiVersion: "extensions.istio.io/v1alpha1",
  kind: "WasmPlugin",
  metadata: { name: "search-gateway-modelgate", namespace: "search" },
};
const TENANT = { apiVersion: "modelgate.dev/v1alpha1", kind: "Tenant", metadata: { name: "search" } };

interface Spec {
  credentials: { id: string; [field: string]: unknown }[];
  revoked: string[];
}

describe("credentials of a tenant in a cluster", () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster();
    const image = await pushModule("gateway");
    await cluster.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "search" } },
      ...modelServer("search", "service-666", [{ version: "v1", port: 9000 }]),
    );
    const { code, stderr } = await modelgate(
      "apply",
      "-f",
      EXAMPLE,
      "--image",
      image,
      "--wait",
      "--controller",
      CONTROLLER,
    );
    expect(code, stderr).toBe(0);
  });
  afterAll(() => cluster?.stop());

  const modelgate = (...args: string[]) => runModelgate(cluster.kubeconfig, args);
  const spec = async () => (await cluster.client.get(TENANT)).spec as Spec;
  const withKey = (key: string) => ({ taskid: "666", "x-api-key": key });

  it("a key passes from its creation on, both while it is rotated, none once it is revoked", async () => {
    const { code, stdout, stderr } = await modelgate("credentials", "create", "app");
    expect([code, isKey(stdout.trim())], stderr).toEqual([0, true]);
    expect(stderr).toContain("gateway search/search-gateway-modelgate: configuration configured");
    const first = stdout.trim();
    await post(withKey(first), 200);
    const second = (await modelgate("credentials", "rotate", "app")).stdout.trim();
    await post(withKey(second), 200);
    await post(withKey(first), 200);
    expect((await modelgate("credentials", "revoke", "app", "--reason", "leaked")).code).toBe(0);
    expect(await post(withKey(first), 401)).toContain("credential_revoked");
    await post(withKey(second), 200);
    const { pluginConfig } = (await cluster.client.get(PLUGIN)).spec as { pluginConfig: object };
    expect(JSON.stringify(pluginConfig), "the rest of the configuration stays").toContain(
      "modelgate-controller",
    );
    expect((await modelgate("credentials", "list")).stdout).toMatch(/^app +apiKey .* revoked$/m);
  });

  it("apply leaves them and their revocations, and says so where it would change one", async () => {
    const before = await spec();
    const { code, stderr } = await modelgate("apply", "-f", EXAMPLE);
    expect(code, stderr).toBe(0);
    expect(await spec()).toEqual(before);
    expect(before.credentials.map(({ id }) => id)).toEqual(["search-demo", "app", "app-2"]);
    expect(before.revoked).toHaveLength(2);
    await modelgate("credentials", "revoke", "search-demo");
    const undone = await modelgate("apply", "-f", join(EXAMPLE, "tenant.yaml"));
    expect([undone.code, undone.stderr]).toEqual([1, expect.stringContaining("enabled")]);
  });

  it("a signing key goes to a Secret that the gateway's configuration takes up", async () => {
    const { code, stdout, stderr } = await modelgate("credentials", "create", "batch", "--type", "hmac");
    expect([code, isKey(stdout.trim())], stderr).toEqual([0, true]);
    const metadata = { name: "search-batch", namespace: "search" };
    const { data } = await cluster.client.get({ apiVersion: "v1", kind: "Secret", metadata });
    expect(Buffer.from((data as { key: string }).key, "base64").toString()).toBe(stdout.trim());
    expect(stderr).toMatch(/^Secret search\/search-gateway-sealing-key created$/m);
    expect(stderr).toMatch(/^Deployment search\/search-gateway configured$/m);
    const plugin = await cluster.client.get(PLUGIN);
    const secret = Buffer.from(stdout.trim()).toString("base64");
    expect(JSON.stringify(plugin.spec)).toMatch(/\{"id":"batch","sealedSecret":"[0-9a-f]+"\}/);
    expect(JSON.stringify(plugin.spec)).not.toContain(secret);
    const twice = await modelgate(
      "credentials",
      "create",
      "batch-b",
      "--type",
      "hmac",
      "--secret",
      "search-batch",
    );
    expect([twice.code, twice.stdout]).toEqual([1, ""]);
    expect(twice.stderr).toContain("Secret search/search-batch is there already");
    const { stdout: diff } = await modelgate("diff", "-f", EXAMPLE, "--force-conflicts");
    expect(diff).not.toContain(secret);
    const again = await modelgate("diff", "-f", join(EXAMPLE, "tasks.yaml"));
    expect(again.stderr).toBe("");
    expect(again.stdout, "apply keeps the pods").not.toContain("Deployment search/search-gateway");
    const later = (await modelgate("credentials", "create", "later")).stdout.trim();
    await post(withKey(later), 200);
  });

  it("a dry run on the server stores nothing, and a run on an old state fails", async () => {
    const before = await cluster.client.get(TENANT);
    const { code, stdout } = await modelgate("credentials", "create", "dry", "--dry-run", "server");
    expect([code, stdout]).toEqual([0, expect.stringContaining("id: dry")]);
    expect((await cluster.client.get(TENANT)).metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await expect(
      cluster.client.update(
        before,
        { metadata: { resourceVersion: "1" }, spec: { revoked: [] } },
        { fieldManager: "modelgate" },
      ),
    ).rejects.toThrow("modified");
  });
});
