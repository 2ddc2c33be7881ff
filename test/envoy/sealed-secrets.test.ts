import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tenant as tenantSchema } from "../../tools/api/tenant.ts";
import { renderAll } from "../../tools/cluster/istio/render.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { signed } from "../support/auth.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";

/** A signer's secret, from the rendered objects to a request: it works, and nobody can read it on the way. */

const KEY_VARIABLE = "MODELGATE_SEALING_KEY";
const SEALING_KEY = randomBytes(32).toString("hex");
const SECRET = randomBytes(24).toString("hex");
const SECRETS: Record<string, string> = { "signer/key": SECRET, "sealing/key": SEALING_KEY };
/** As a reader might find them. */
const READABLE = [SECRET, SEALING_KEY].flatMap((text) => [
  text,
  Buffer.from(text).toString("base64").replace(/=+$/, ""),
  Buffer.from(text).toString("hex"),
]);

const tenant = tenantSchema.parse({
  apiVersion: "modelgate.dev/v1alpha1",
  kind: "Tenant",
  metadata: { name: "search" },
  spec: {
    namespaces: ["models"],
    gateway: {
      name: "gw",
      namespace: "edge",
      hosts: ["*"],
      deployment: {},
      sealingKey: { name: "sealing" },
    },
    credentials: [{ id: "signer", type: "hmac", secretRef: { name: "signer", key: "key" } }],
    tasks: [{ task: "*" }],
  },
});
const rendered = renderAll([tenant], [], {
  target: "istio",
  image: () => parseReference(`oci://r.example/gateway@sha256:${"a".repeat(64)}`),
  secrets: (_namespace, name, key) => Buffer.from(SECRETS[`${name}/${key}`] ?? ""),
});

let gateway: TestGateway;
beforeAll(async () => {
  const plugin = rendered.find(({ kind }) => kind === "WasmPlugin") as unknown as {
    spec: { pluginConfig: object };
  };
  const filter = wasmFilter("gateway", modulePath("gateway"), plugin.spec.pluginConfig);
  Object.assign((filter.typed_config.config as { vm_config: object }).vm_config, {
    environment_variables: { host_env_keys: [KEY_VARIABLE] },
  });
  process.env[KEY_VARIABLE] = SEALING_KEY;
  gateway = await startTestGateway([filter]).finally(() => delete process.env[KEY_VARIABLE]);
});
afterAll(() => gateway?.stop());

async function send(secret: string): Promise<{ status: number; text: string }> {
  const call = { method: "GET", path: "/v2", headers: [["taskid", "666"] as [string, string]] };
  const { headers } = signed(call, { keyid: "search/signer", secret: Buffer.from(secret) });
  const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}/v2`, {
    headers: Object.fromEntries(headers),
  });
  return { status: response.status, text: await response.text() };
}

it("the pods get the key from the Secret, and the filter from the pod", () => {
  const of = (kind: string) => JSON.stringify(rendered.find((object) => object.kind === kind));
  expect(of("Deployment")).toContain(
    `{"name":"${KEY_VARIABLE}","valueFrom":{"secretKeyRef":{"name":"sealing","key":"key"}}}`,
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
  for (const [place, text] of Object.entries(places))
    for (const readable of READABLE) expect(text.includes(readable), place).toBe(false);
});

/** As `ps` shows them. */
async function commandLines(): Promise<string> {
  const { stdout } = await promisify(execFile)("ps", ["-eo", "args"], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}
