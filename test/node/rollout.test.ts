import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { readModule } from "../../tools/lib/wasm/read.ts";
import { REGISTRY } from "./support/addresses.ts";
import { rolledOut } from "./support/cluster.ts";
import { kubectl } from "./support/istio.ts";
import { whileAsked } from "./support/requests.ts";
import { type SearchTenant, searchTenant } from "./support/search.ts";
import type { Outcome } from "./support/tutorial.ts";

/** So that 5 and 25 % are one pod, and there are more to compare it with. */
const PODS = 4;

describe(`a rollout in 5, 25, 100 % of ${PODS} pods, under load`, () => {
  let tenant: SearchTenant;
  beforeAll(async () => {
    tenant = await searchTenant();
    await kubectl("-n", "search", "scale", "deployment/search-gateway", `--replicas=${PODS}`);
    await rolledOut("search", "deployment/search-gateway");
  }, 600_000);

  const rollOut = async (image: string) => {
    const options = "--gateway search/search-gateway --steps 5,25,100 --interval 5 --min-requests 400";
    const command = `modelgate rollout start ${options} --plain-http --image ${image}`;
    let outcome: Outcome | undefined;
    const counts = await whileAsked(tenant.key, async () => {
      outcome = await tenant.tutorial.run(command);
    });
    const { code, stdout, stderr } = outcome as Outcome;
    console.log(stdout, stderr, JSON.stringify(counts));
    return { code, stdout, counts };
  };

  it("brings a good filter to all pods and loses nothing", async () => {
    const name = Buffer.from("another digest");
    const section = Buffer.from([0, name.length + 1, name.length, ...name]);
    const good = await push("good", Buffer.concat([await readModule("gateway"), section]));
    const { code, stdout, counts } = await rollOut(good);
    expect(code).toBe(0);
    expect(stdout).toContain(`done: every pod runs ${good}`);
    expect(counts).toEqual({ 200: expect.any(Number) });
    expect((await tenant.tutorial.run("modelgate rollout undo --gateway search-gateway")).stdout).toContain(
      `rolled back: every pod runs ${tenant.filter}`,
    );
  }, 400_000);

  it("takes a filter that traps back by itself, having shown it to one pod", async () => {
    const out = fileURLToPath(new URL("build/test/flaky.wasm", PROJECT_ROOT));
    await compileModule(fileURLToPath(new URL("test/wasm/flaky.ts", PROJECT_ROOT)), out);
    const { code, stdout, counts } = await rollOut(await push("bad", await readFile(out)));
    expect(code).toBe(1);
    expect(stdout).toContain("the filter trapped");
    expect(stdout).toContain(`rolled back: every pod runs ${tenant.filter}`);
    expect(stdout).not.toContain("step 2 of 3");
    const { 200: served = 0, ...failed } = counts;
    const sum = Object.values(failed).reduce((a, b) => a + b, 0);
    expect(sum / (served + sum)).toBeLessThan(0.02);
    const status = await tenant.tutorial.run("modelgate status");
    expect(status.code, status.stdout).toBe(0);
  }, 400_000);
});

/** @returns its reference by digest */
async function push(tag: string, module: Uint8Array): Promise<string> {
  const reference = parseReference(`oci://${REGISTRY}/modelgate/gateway:${tag}`);
  return pushImage(await packImage(module, "compat"), reference, { plainHttp: true });
}
