import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { seal } from "../../tools/cluster/istio/seal.ts";
import { WASM_TYPE, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../tools/lib/envoy/extension-config.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { signed } from "../support/auth.ts";
import { startTestGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";

/**
 * The key that seals what is secret is rotated as docs/operate/credentials.md says: the Secret holds OLD,NEW,
 * then NEW,OLD, then NEW; pods start anew after each, and what is sealed by the Secret's first key is applied
 * from the second on. All the while callers send requests that are signed by a sealed secret.
 */

const VARIABLE = "MODELGATE_SEALING_KEY";
const [OLD, NEW] = [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")] as [string, string];
const SECRET = randomBytes(32);
const CALLERS = 4;
/** A model server that speaks gRPC, behind a task that nobody converts. */
const PASSED = 415;

/** The filter with the signer's secret sealed by the first of the keys. */
function filterSealedBy(keys: string) {
  const tenant = { tenant: "search", tasks: [{ task: "*" }] };
  const credential = { id: "signer", sealedSecret: seal(keys, "search/signer", SECRET) };
  const config = {
    tenantAuth: { tenants: [{ ...tenant, credentials: [credential] }] },
    ...{ rateLimit: {}, protocolConversion: {}, accessLog: {} },
  };
  const filter = wasmFilter("gateway", modulePath("gateway"), config);
  Object.assign((filter.typed_config.config as { vm_config: object }).vm_config, {
    environment_variables: { host_env_keys: [VARIABLE] },
  });
  return filter;
}

it("the sealing key is rotated under load without a lost request", { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-sealing-key-"));
  onTestFinished(() => folder.remove());
  const file = join(folder.path, "filter.json");
  await writeFilterConfig(file, filterSealedBy(OLD));
  const startPod = async (keys: string): Promise<TestGateway> => {
    process.env[VARIABLE] = keys;
    try {
      return await startTestGateway([discoveredFilter("modelgate.gateway", file, WASM_TYPE)]);
    } finally {
      delete process.env[VARIABLE];
    }
  };

  let pod = await startPod(OLD);
  const statuses: number[] = [];
  const load = new AbortController();
  const inFlight = new Map<TestGateway, number>();
  const caller = async () => {
    while (!load.signal.aborted) {
      const to = pod;
      inFlight.set(to, (inFlight.get(to) ?? 0) + 1);
      const call = { method: "GET", path: "/v2", headers: [["taskid", "666"] as [string, string]] };
      const { headers } = signed(call, { keyid: "search/signer", secret: SECRET });
      const response = await fetch(`http://127.0.0.1:${to.envoy.port}/v2`, {
        headers: Object.fromEntries(headers),
      });
      await response.text();
      statuses.push(response.status);
      inFlight.set(to, (inFlight.get(to) ?? 0) - 1);
    }
  };
  const callers = Array.from({ length: CALLERS }, caller);
  const served = async () => {
    const before = statuses.length;
    await until(() => statuses.length > before + 50, { message: "no load" });
  };
  /** A rolling update: callers go to the new pod, and the old one ends when nobody waits for it. */
  const restart = async (keys: string) => {
    await served();
    const [before, after] = [pod, await startPod(keys)];
    pod = after;
    await until(() => inFlight.get(before) === 0, { message: "the old pod has requests" });
    await before.stop();
    await served();
  };
  const apply = async (keys: string) => {
    await writeFilterConfig(file, filterSealedBy(keys));
    const dump = async () => (await fetch(`http://127.0.0.1:${pod.envoy.adminPort}/config_dump`)).text();
    const sealed = seal(keys, "search/signer", SECRET);
    await until(async () => (await dump()).includes(sealed), { message: "Envoy has no new configuration" });
    await served();
  };
  try {
    await restart(`${OLD},${NEW}`);
    await apply(`${NEW},${OLD}`);
    await restart(`${NEW},${OLD}`);
    await restart(NEW);
  } finally {
    load.abort();
    await Promise.all(callers);
    await pod.stop();
  }
  expect(new Set(statuses)).toEqual(new Set([PASSED]));
});
