import { execFileSync } from "node:child_process";
import { symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modelgate } from "../support/modelgate.ts";

it("shows the versions of what runs", async () => {
  const { code, stdout } = await modelgate(["--version"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^modelgate \d+\.\d+\.\d+(, commit [0-9a-f]{12})?\nfilters .+\nEnvoy [\d.]+\nNode [\d.]+\n$/,
  );
});

it.each([
  [["aply"], "unknown command 'aply'\n(Did you mean apply?)\n"],
  [["apply", "--dry-rnu", "client"], "unknown option '--dry-rnu'\n(Did you mean --dry-run?)\n"],
])("says in a line or two what %j gets wrong", async (args, message) => {
  const { code, stdout, stderr } = await modelgate(args);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(`error: ${message}`);
  expect(stderr.split("\n").length).toBeLessThanOrEqual(4);
});

it("is called kubectl modelgate where kubectl calls it", async () => {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-plugin-"));
  try {
    const plugin = join(folder.path, "kubectl-modelgate");
    await symlink(fileURLToPath(new URL("tools/cli/bin.ts", PROJECT_ROOT)), plugin);
    const help = execFileSync(process.execPath, [plugin, "get", "--help"], { encoding: "utf8" });
    expect(help).toContain("Usage: kubectl modelgate get [options] <kind> [name]");
    expect(help).toContain("  kubectl modelgate get tenants\n");
  } finally {
    await folder.remove();
  }
});
