import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { faultsInCluster, fromCluster, type Loaded } from "../../tools/api/load.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { Filter } from "../../tools/cluster/oracle/filter.ts";
import { placeholderSecrets } from "../../tools/cluster/oracle/filter-faults.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { freePort } from "../support/free-port.ts";
import { arbitraryResources, type Written } from "../support/resource-arbitraries.ts";
import { until } from "../support/until.ts";
import { type Previous, previousVersion } from "./previous.ts";

/** From one version to the next, in both orders of filter and controller: docs/operate/upgrade.md. */

const TODAY = fileURLToPath(PROJECT_ROOT);
const IMAGE = `oci://registry.example/gateway@sha256:${"0".repeat(64)}`;
const NEW_TENANT = "manifests/examples/new-tenant";
const EXAMPLES = ["manifests/examples/search", NEW_TENANT];
const KEY = "demo-search-key";
const CASES = 300;

let previous: Previous;
const gatewayOf = (folder: string) => join(folder, "build/gateway.wasm");
beforeAll(() => {
  previous = previousVersion();
  console.log(`upgrading from ${previous.name}`);
});

/** Runs a version's command. */
const modelgate = (folder: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, [join(folder, "tools/cli/modelgate.ts"), ...args], {
    ...{ cwd: folder, maxBuffer: 2 ** 26, env: { ...process.env, NO_COLOR: "1" } },
  });

/** The plug-in configurations that a version's tool makes of its examples. */
async function rendered(folder: string): Promise<object[]> {
  const configurations: object[] = [];
  for (const example of EXAMPLES) {
    const { stdout } = await modelgate(folder, "render", "-f", join(folder, example), "--image", IMAGE);
    for (const document of parseAllDocuments(stdout)) {
      const object = document.toJS();
      if (object?.kind === "WasmPlugin") configurations.push(object.spec.pluginConfig);
    }
  }
  expect(configurations.length).toBeGreaterThanOrEqual(EXAMPLES.length);
  return configurations;
}

/** What a filter says to callers of task 666. */
function answers(gateway: string, configuration: object): Record<string, unknown> {
  const vm = new Vm(gateway);
  expect(vm.configure(configuration), vm.logs.join("\n")).toBe(true);
  const ask = (headers: Record<string, string>) => {
    const common = {
      ":method": "GET",
      ":path": "/v2/models/a/ready",
      ":authority": "www.search.models.example",
    };
    const stream = vm.open({ ...common, ...headers }, true);
    const { reply, filterState } = stream;
    stream.close();
    // Without the mark the gateway's native check refuses what the filter has let pass.
    return reply
      ? [reply.status, JSON.parse(reply.body).reason]
      : ["goes on", filterState.get("modelgate.passed")];
  };
  return {
    key: ask({ taskid: "666", "x-api-key": KEY }),
    wrong: ask({ taskid: "666", "x-api-key": "no" }),
    none: ask({ taskid: "666" }),
  };
}

describe.each([
  ["the filter is upgraded first", () => [previous.folder, TODAY]],
  ["the tool and the controller are upgraded first", () => [TODAY, previous.folder]],
] as [string, () => [tool: string, filter: string]][])("%s", (_, versions) => {
  it("the filter takes what the tool renders, and callers see what they saw", async () => {
    const [tool, filter] = versions();
    for (const configuration of await rendered(tool)) {
      expect(new Filter(gatewayOf(filter)).refusals(configuration)).toEqual([]);
      expect(answers(gatewayOf(filter), configuration)).toEqual(answers(gatewayOf(tool), configuration));
    }
  });
});

/** Starts a version's controller on its examples. @returns its port */
async function startController(folder: string): Promise<{ port: number; stop(): unknown }> {
  const [port, admin] = [await freePort(), await freePort()];
  const addresses = ["--listen", `127.0.0.1:${port}`, "--admin", `127.0.0.1:${admin}`];
  const args = ["controller", "--config", join(folder, NEW_TENANT), ...addresses];
  const child = spawn(process.execPath, [join(folder, "tools/cli/modelgate.ts"), ...args], {
    stdio: "ignore",
  });
  const ready = async () => (await fetch(`http://127.0.0.1:${admin}/readyz`).catch(() => undefined))?.ok;
  await until(ready, { message: "the controller did not become ready" });
  return { port, stop: () => child.kill() };
}

/** Lets time go by until the filter reports. */
async function nextReport(vm: Vm): Promise<{ path: string | undefined; body: string }> {
  await until(
    () => {
      vm.process.now += 1_000_000_000n;
      vm.tick();
      return vm.callouts.length > 0;
    },
    { message: "the filter did not report" },
  );
  const { headers, body } = vm.callouts[0] ?? { headers: [], body: "" };
  return { path: headers.find(([name]) => name === ":path")?.[1], body };
}

it.each([
  ["the previous filter", "today's controller", () => [previous.folder, TODAY]],
  ["today's filter", "the previous controller", () => [TODAY, previous.folder]],
] as [string, string, () => [filter: string, controller: string]][])(
  "%s gets its limits from %s",
  async (_, __, versions) => {
    const [filter, controller] = versions();
    const { port, stop } = await startController(controller);
    try {
      const configuration = (await rendered(filter)).at(-1) as { rateLimit: object };
      const own = { gateway: "search/search-gateway", cluster: "controller", pod: "gw-1" };
      const vm = new Vm(gatewayOf(filter));
      const rateLimit = { ...configuration.rateLimit, controller: own };
      expect(vm.configure({ ...configuration, rateLimit }), vm.logs.join("\n")).toBe(true);
      const generations: number[] = [];
      for (let round = 0; round < 3; round++) {
        const { path, body } = await nextReport(vm);
        generations.push(JSON.parse(body).generation);
        const init = { method: "POST", headers: { "content-type": "application/json" }, body };
        // More than a report a second of real time gets 429.
        const response = await until(
          async () => {
            const each = await fetch(`http://127.0.0.1:${port}${path}`, init);
            return each.status !== 429 && each;
          },
          { message: "the controller takes no report", everyMs: 200 },
        );
        const reply = await response.text();
        expect([response.status, reply]).toEqual([200, expect.stringContaining("generation")]);
        vm.answerCallout(200, reply);
      }
      // The filter says which reply it has applied.
      expect(generations[0]).toBe(0);
      expect(generations[2]).toBeGreaterThan(0);
    } finally {
      stop();
    }
  },
);

interface Tool {
  fromCluster: typeof fromCluster;
  pluginConfig: typeof pluginConfig;
}

/** A version's own reading and rendering. */
async function toolOf(folder: string): Promise<Tool> {
  const load = await import(`${pathToFileURL(join(folder, "tools/api/load.ts"))}`);
  const config = await import(`${pathToFileURL(join(folder, "tools/cluster/istio/plugin-config.ts"))}`);
  return { fromCluster: load.fromCluster, pluginConfig: config.pluginConfig };
}

/** Resources as the previous version's tests draw them. */
async function previousResources(): Promise<fc.Arbitrary<Written>> {
  const file = join(previous.folder, "test/support/resource-arbitraries.ts");
  return (await import(`${pathToFileURL(file)}`)).arbitraryResources;
}

/** The configuration of resources; undefined where the tool refuses one of them. */
function configurationOf(tool: Tool, { tenant, tasks }: Written): object | undefined {
  const loaded = [tenant, ...tasks].map((each) => tool.fromCluster(each as never));
  if (loaded.some((each) => each === undefined)) return undefined;
  const [own, ...others] = (loaded as Loaded[]).map(({ resource }) => resource);
  try {
    return tool.pluginConfig(own as never, others as never, placeholderSecrets);
  } catch {
    return undefined;
  }
}

describe("any resources", () => {
  it("of today: the previous filter takes them, or refuses them in words", async () => {
    const tool = { fromCluster, pluginConfig };
    const filter = new Filter(gatewayOf(previous.folder));
    let taken = 0;
    const property = fc.property(arbitraryResources, (written) => {
      const configuration = configurationOf(tool, written);
      if (!configuration) return;
      const refusals = filter.refusals(configuration);
      if (refusals.length === 0) taken++;
      for (const { message } of refusals) expect(message).not.toMatch(/breaks off|does not say why/);
    });
    fc.assert(property, { numRuns: CASES });
    expect(taken).toBeGreaterThan(CASES / 20);
  });

  it("of the previous version: the filter of today takes them", async () => {
    const tool = await toolOf(previous.folder);
    const [before, now] = [previous.folder, TODAY].map((folder) => new Filter(gatewayOf(folder)));
    let taken = 0;
    const property = fc.property(await previousResources(), (written) => {
      const configuration = configurationOf(tool, written);
      // What the previous filter refused is nobody's to keep.
      if (!configuration || before?.refusals(configuration).length !== 0) return;
      expect(now?.refusals(configuration)).toEqual([]);
      taken++;
    });
    fc.assert(property, { numRuns: CASES });
    expect(taken).toBeGreaterThan(CASES / 4);
  });
});

describe("definitions", () => {
  const crd = (folder: string, plural: string) =>
    parse(readFileSync(join(folder, `manifests/crds/${plural}.yaml`), "utf8")).spec;

  it.each(["tenants", "modeltasks"])("of %s serve and store what they did", (plural) => {
    const [before, now] = [crd(previous.folder, plural), crd(TODAY, plural)];
    expect([now.scope, now.group]).toEqual([before.scope, before.group]);
    const served = (spec: { versions: { name: string; served: boolean }[] }) =>
      spec.versions.filter((each) => each.served).map(({ name }) => name);
    expect(served(now)).toEqual(expect.arrayContaining(served(before)));
  });

  it("take every object that was stored", async () => {
    const tool = await toolOf(previous.folder);
    const refused = new Map<string, unknown>();
    let stored = 0;
    const property = fc.property(await previousResources(), ({ tenant, tasks }) => {
      for (const object of [tenant, ...tasks]) {
        if (tool.fromCluster(object as never) === undefined) continue;
        stored++;
        for (const { path, message } of faultsInCluster(object as never)) refused.set(message, path);
      }
    });
    fc.assert(property, { numRuns: CASES * 5 });
    expect(stored).toBeGreaterThan(CASES);
    expect([...refused]).toEqual([]);
  });
});
