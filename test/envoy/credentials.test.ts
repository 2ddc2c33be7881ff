import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { parse } from "yaml";
import { byKind } from "../../tools/api/cross-check.ts";
import { loadResources } from "../../tools/api/load.ts";
import { lookupIn, secretsOfFiles } from "../../tools/cluster/deploy/secrets.ts";
import { tenantAuthConfig } from "../../tools/cluster/istio/tenant-auth-config.ts";
import { type Call, signed } from "../support/auth.ts";
import { type AuthGateway, startAuthGateway } from "../support/auth-gateway.ts";
import { modelgate } from "../support/modelgate.ts";

const TENANT = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: { name: search }
spec:
  namespaces: [search]
  gateway: { name: gw, namespace: edge, hosts: ["*"] }
  tasks: [{ task: "*" }]
`;

let gateway: AuthGateway;
let folder: string;
let file: string;
let secret: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-rotation-"));
  file = join(folder, "tenant.yaml");
  secret = join(folder, "secret.yaml");
  await writeFile(file, TENANT);
  await writeFile(secret, "");
  gateway = await startAuthGateway(await config());
});
afterAll(async () => {
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function config(): Promise<object> {
  const { tenants } = byKind(await loadResources([file]));
  const secrets = lookupIn(await secretsOfFiles([secret]));
  return tenantAuthConfig(tenants[0]?.resource as never, [], secrets);
}

/** Runs `modelgate credentials`, and hands the gateway what the Tenant says then. @returns what stdout says */
async function credentials(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await modelgate(["credentials", ...args, "-f", file]);
  expect(code, stderr).toBe(0);
  if (stdout.includes("kind: Secret")) await writeFile(secret, stdout);
  await gateway.configure(await config());
  return stdout.trim();
}

const status = async (call: Call) => (await gateway.send(call)).status;
/** What Envoy is told reaches its workers soon. */
const becomes = (call: () => Call, wanted: number) =>
  expect.poll(() => status(call()), { message: "the status of a call" }).toBe(wanted);
const withKey = (key: string): Call => ({
  headers: [
    ["x-api-key", key],
    ["taskid", "666"],
  ],
});

it("a key passes from its creation on, both while it is rotated, none once they are revoked", async () => {
  const first = await credentials("create", "app");
  await becomes(() => withKey(first), 200);
  const second = await credentials("rotate", "app");
  await becomes(() => withKey(second), 200);
  expect(await status(withKey(first))).toBe(200);
  await credentials("revoke", "app", "--reason", "leaked");
  await becomes(() => withKey(first), 401);
  await becomes(() => withKey(second), 200);
  await credentials("revoke", "app-2");
  await becomes(() => withKey(second), 401);
  const log = await gateway.log();
  expect([log.includes(first), log.includes(second)]).toEqual([false, false]);
  expect(log).toContain('"credential":"app-2"');
});

it("a signing key signs until it is revoked", async () => {
  const { stringData } = parse(await credentials("create", "batch", "--type", "hmac"));
  const call = () =>
    signed(
      { headers: [["taskid", "666"]], body: "{}" },
      { secret: Buffer.from(stringData.key), keyid: "search/batch" },
    );
  await becomes(call, 200);
  await credentials("revoke", "batch");
  await becomes(call, 401);
});
