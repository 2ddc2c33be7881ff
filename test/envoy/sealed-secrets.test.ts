import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tenant as tenantSchema } from "../../tools/api/tenant.ts";
import { renderAll } from "../../tools/cluster/istio/render.ts";
import { WASM_TYPE, type WasmFilter, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import type { Manifest } from "../../tools/lib/kubernetes/manifest.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { type TemporaryFolder, temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { signed } from "../support/auth.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/** A signer's secret, from the rendered objects to a request: it works, and nobody can read it on the way. */

const KEY_VARIABLE = "MODELGATE_SEALING_KEY";
const SEALING_KEY = randomBytes(32).toString("hex");
const SECRET = randomBytes(24).toString("hex");
const NEW_SECRET = randomBytes(24).toString("hex");
const TOKENS = { reports: randomBytes(24).toString("hex"), senders: randomBytes(24).toString("hex") };
const SECRETS: Record<string, string> = {
  "signer/key": SECRET,
  "new-signer/key": NEW_SECRET,
  "gw-sealing-key/key": SEALING_KEY,
  "reports/token": TOKENS.reports,
  "senders/token": TOKENS.senders,
};
/** As a reader might find them. */
const READABLE = Object.values(SECRETS).flatMap((text) => [
  text,
  Buffer.from(text).toString("base64").replace(/=+$/, ""),
  Buffer.from(text).toString("hex"),
]);

const COLLECTOR = { namespace: "modelgate-system", service: "modelgate-collector", tokenSecret: "senders" };

/** What is rendered for a signer's Secrets, by their names: the newest is `signer` by its key id. */
function render(secretName: string): Manifest[] {
  const tenant = tenantSchema.parse({
    apiVersion: "modelgate.dev/v1alpha1",
    kind: "Tenant",
    metadata: { name: "search" },
    spec: {
      namespaces: ["models"],
      gateway: {
        ...{ name: "gw", namespace: "edge", hosts: ["*"], deployment: {} },
        tuning: { accessLog: { collector: COLLECTOR } },
      },
      credentials: ["signer", "new-signer"].map((id) => ({
        ...{ id, type: "hmac", enabled: id === "signer" || secretName === id },
        secretRef: { name: id, key: "key" },
      })),
      tasks: [{ task: "*" }],
    },
  });
  return renderAll([tenant], [], {
    target: "istio",
    image: () => parseReference(`oci://r.example/gateway@sha256:${"a".repeat(64)}`),
    secrets: (_namespace, name, key) => Buffer.from(SECRETS[`${name}/${key}`] ?? ""),
    controller: {
      ...{ namespace: "modelgate-system", service: "modelgate-controller", port: 8090 },
      tokenSecret: "reports",
    },
  });
}
const rendered = render("signer");

/** The plug-in of a render, whose VM gets the variable that the WasmPlugin names. */
function pluginOf(objects: Manifest[]): WasmFilter {
  const { spec } = objects.find(({ kind }) => kind === "WasmPlugin") as unknown as {
    spec: { pluginConfig: object; vmConfig: { env: { name: string; valueFrom: string }[] } };
  };
  const filter = wasmFilter("gateway", modulePath("gateway"), spec.pluginConfig);
  Object.assign((filter.typed_config.config as { vm_config: object }).vm_config, {
    environment_variables: { host_env_keys: spec.vmConfig.env.map(({ name }) => name) },
  });
  return filter;
}

let gateway: TestGateway;
let folder: TemporaryFolder;
let file: string;
beforeAll(async () => {
  folder = await temporaryFolder(join(tmpdir(), "modelgate-sealed-"));
  file = join(folder.path, "filter.json");
  const plugin = pluginOf(rendered);
  await writeFilterConfig(file, plugin);
  process.env[KEY_VARIABLE] = SEALING_KEY;
  gateway = await startTestGateway([discoveredFilter(plugin.name, file, WASM_TYPE)]).finally(
    () => delete process.env[KEY_VARIABLE],
  );
});
afterAll(async () => {
  await gateway?.stop();
  await folder?.remove();
});

async function send(secret: string, id = "signer"): Promise<{ status: number; text: string }> {
  const call = { method: "GET", path: "/v2", headers: [["taskid", "666"] as [string, string]] };
  const { headers } = signed(call, { keyid: `search/${id}`, secret: Buffer.from(secret) });
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/v2`, {
    headers: Object.fromEntries(headers),
  });
  return { status: response.status, text: await response.text() };
}

it("the pods get the key from the Secret, and the filter from the pod", () => {
  const of = (kind: string) => JSON.stringify(rendered.find((object) => object.kind === kind));
  expect(of("Deployment")).toContain(
    `{"name":"${KEY_VARIABLE}","valueFrom":{"secretKeyRef":{"name":"gw-sealing-key","key":"key","optional":true}}}`,
  );
  expect(of("WasmPlugin")).toContain(`"vmConfig":{"env":[{"name":"${KEY_VARIABLE}","valueFrom":"HOST"}]}`);
});

it("a signed request passes, another secret's is refused, and neither secret nor key is readable", async () => {
  const good = await send(SECRET);
  // The model server's own answer: it speaks gRPC, and no task here is converted.
  expect(good.status, good.text).toBe(415);
  const bad = await send("another secret of thirty-two bytes");
  expect(bad).toMatchObject({ status: 401 });
  const admin = (path: string) =>
    fetch(`http://127.0.0.1:${gateway.envoy.adminPort}${path}`).then((response) => response.text());
  const places = {
    rendered: JSON.stringify(rendered),
    dump: await admin("/config_dump?include_eds"),
    server: await admin("/server_info"),
    stats: await admin("/stats"),
    log: await gateway.logText(),
    answers: good.text + bad.text,
    processes: await commandLines(),
  };
  expect(places.dump).toContain("sealedSecret");
  expect(places.dump.match(/sealedToken/g)?.length).toBeGreaterThan(1);
  for (const [place, text] of Object.entries(places))
    for (const readable of READABLE) expect(text.includes(readable), place).toBe(false);
});

it("a secret is rotated under load without a lost request", async () => {
  const signers: [string, string][] = [[SECRET, "signer"]];
  const statuses: number[] = [];
  const load = new AbortController();
  const sending = (async () => {
    while (!load.signal.aborted) {
      // The newest that the caller has been given.
      const [secret, id] = signers.at(-1) as [string, string];
      statuses.push((await send(secret, id)).status);
    }
  })();
  // The new one is known beside the old one; then the caller takes it; then the old one goes.
  await writeFilterConfig(file, pluginOf(render("new-signer")));
  await until(async () => (await send(NEW_SECRET, "new-signer")).status === 415, {
    message: "no new signer",
  });
  signers.push([NEW_SECRET, "new-signer"]);
  const rotated = statuses.length;
  await until(() => statuses.length > rotated + 50, { message: "no load" });
  load.abort();
  await sending;
  expect(new Set(statuses)).toEqual(new Set([415]));
});

/** As `ps` shows them. */
async function commandLines(): Promise<string> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "args"], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
