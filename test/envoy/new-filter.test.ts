import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { startEnvoyWithFilter } from "../../tools/local/filter/envoy.ts";
import { loadFilter } from "../../tools/local/filter/try.ts";

const COMMAND = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const CONFIGURATION = { headerGuard: { header: "x-debug", name: "header-guard" } };

let parent: string;
let folder: string;
const TSC = fileURLToPath(new URL("node_modules/.bin/tsc", PROJECT_ROOT));

function modelgate(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "modelgate-new-filter-"));
  folder = join(parent, "header-guard");
  expect(modelgate("new", "filter", "header-guard", "--dir", folder).status).toBe(0);
});
afterAll(() => rm(parent, { recursive: true, force: true }));

it("a new filter builds, passes its tests in Node and in Envoy, and is packed", async () => {
  expect(modelgate("new", "filter", "header-guard", "--dir", folder).output).toMatch(/exists already/);
  expect(spawnSync(TSC, ["-p", folder], { encoding: "utf8" }).stdout).toBe("");
  expect(modelgate("pack", "--filter", folder).output).toMatch(/modelgate build --filter/);
  expect(modelgate("build", "--filter", folder).output).toMatch(/built .*filter\.wasm/);
  const tested = modelgate("test", "--filter", folder);
  expect([tested.status, tested.output]).toEqual([0, expect.stringMatching(/pass 5/)]);
  expect(modelgate("pack", "--filter", folder).output).toMatch(/^sha256:[0-9a-f]{64}$/m);
}, 300_000);

it("test says which options name a folder", () => {
  const { status, output } = modelgate("test");
  expect([status, output]).toEqual([1, expect.stringContaining("--converter <folder> or --filter <folder>")]);
  expect(modelgate("test", "--filter", "a", "--converter", "b").output).toContain("cannot be used with");
});

it("a fault is told by the author's file and line: of the compiler, in Node, in Envoy", async () => {
  const source = join(folder, "header-guard.ts");
  const text = await readFile(source, "utf8");
  const lineOf = (changed: string, what: string) =>
    changed.slice(0, changed.indexOf(what)).split("\n").length;
  try {
    const misspelt = text.replace("config.headerName", "config.headerNam");
    await writeFile(source, misspelt);
    expect(spawnSync(TSC, ["-p", folder], { encoding: "utf8" }).stdout).toContain(
      "'headerNam' does not exist",
    );
    const place = new RegExp(`header-guard\\.ts:${lineOf(misspelt, "headerNam")}:\\d+`);
    expect(modelgate("build", "--filter", folder).output).toMatch(place);

    const trapping = text.replace(
      "    http.refuse(REFUSED);",
      "    assert(this.value.len > 0, 'empty');\n$&",
    );
    await writeFile(source, trapping);
    const line = new RegExp(`header-guard\\.ts:${lineOf(trapping, "assert(")}:\\d+`);
    const filter = await loadFilter(folder, CONFIGURATION);
    expect(() => filter.exchange({ headers: { "x-debug": "" } })).toThrow(line);
    const envoy = await startEnvoyWithFilter(folder, CONFIGURATION);
    try {
      expect((await fetch(envoy.url, { headers: { "x-debug": "" } })).status).toBe(503);
      await expect.poll(() => envoy.log.join("\n")).toMatch(line);
    } finally {
      await envoy.stop();
    }
  } finally {
    await writeFile(source, text);
  }
}, 300_000);

it("Envoy's words are those of the error when it refuses the configuration", async () => {
  await expect(startEnvoyWithFilter(folder, { headerGuard: {} })).rejects.toThrow(
    /headerGuard\.header: is required/,
  );
}, 300_000);
