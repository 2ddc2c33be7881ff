import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const COMMAND = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const TSC = fileURLToPath(new URL("node_modules/.bin/tsc", PROJECT_ROOT));

function modelgate(...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

it("a new converter builds, passes its own test, and is packed", async () => {
  const parent = await mkdtemp(join(tmpdir(), "modelgate-new-"));
  const folder = join(parent, "ranking");
  try {
    expect(modelgate("new", "converter", "ranking", "--dir", folder).status).toBe(0);
    expect(modelgate("new", "converter", "ranking", "--dir", folder).output).toMatch(/exists already/);
    expect(spawnSync(TSC, ["-p", folder], { encoding: "utf8" }).stdout).toBe("");
    expect(modelgate("pack", "--converter", folder).output).toMatch(/modelgate build --converter/);
    expect(modelgate("build", "--converter", folder).output).toMatch(/built .*converter\.wasm/);
    const tested = modelgate("test", "--converter", folder);
    expect([tested.status, tested.output]).toEqual([0, expect.stringMatching(/pass 3/)]);
    expect(modelgate("pack", "--converter", folder).output).toMatch(/^sha256:[0-9a-f]{64}$/m);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});
