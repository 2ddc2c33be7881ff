import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);

/** A copy of the checkout, with what is not committed too, in which sources are changed. */
export class Tree {
  readonly folder = mkdtempSync(join(tmpdir(), "modelgate-mutants-"));

  constructor() {
    const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "-z"], { cwd: ROOT });
    for (const name of files.toString().split("\0").filter(Boolean))
      if (existsSync(join(ROOT, name)))
        cpSync(join(ROOT, name), join(this.folder, name), { recursive: true, verbatimSymlinks: true });
    symlinkSync(join(ROOT, "node_modules"), join(this.folder, "node_modules"));
    // What tests of a real Envoy have fetched; what the compiler makes of changed sources stays here.
    mkdirSync(join(this.folder, ".cache"));
    for (const name of existsSync(join(ROOT, ".cache")) ? readdirSync(join(ROOT, ".cache")) : [])
      if (name !== "wasm") symlinkSync(join(ROOT, ".cache", name), join(this.folder, ".cache", name));
    mkdirSync(join(this.folder, "build"), { recursive: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
