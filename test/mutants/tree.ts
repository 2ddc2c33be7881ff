import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import type { ModuleName } from "../../tools/lib/wasm/modules.ts";
import { withVersion } from "../../tools/lib/wasm/version.ts";

const ROOT = fileURLToPath(PROJECT_ROOT);
const TEST_TIMEOUT_MS = 240_000;

/** How a run of tests ended. */
export interface Outcome {
  passed: string[];
  failed: string[];
  /** Why no test ran, or the first failure. */
  said: string;
}

/** A copy of the checkout, with what is not committed too, in which sources are changed. */
export class Tree {
  private readonly folder = mkdtempSync(join(tmpdir(), "modelgate-mutants-"));

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

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), "utf8");
  }

  write(name: string, text: string): Promise<void> {
    return writeFile(this.path(name), text);
  }

  /**
   * Compiles a filter without optimising it, which takes a tenth of the time.
   * @returns what the compiler said; undefined when it compiled
   */
  async build(name: ModuleName): Promise<string | undefined> {
    const { default: asc } = await import("assemblyscript/asc");
    const args = [`filters/${name}/module.ts`, "--baseDir", this.folder, "--config", "asconfig.json"];
    const written: { name: string; content: string | Uint8Array }[] = [];
    const { error, stderr } = await asc.main(
      [...args, "--outFile", `build/${name}.wasm`, "--optimizeLevel", "0"],
      {
        readFile: (file) => readFile(resolve(this.folder, file), "utf8").catch(() => null),
        writeFile: (file, content) => void written.push({ name: file, content }),
      },
    );
    if (error) return stderr.toString() || String(error);
    const { version } = JSON.parse(await this.read("package.json"));
    for (const { name: file, content } of written)
      await writeFile(this.path(file), typeof content === "string" ? content : withVersion(content, version));
    return undefined;
  }

  /** Runs the tests of a file whose full name has one of these in it. */
  async test(file: string, names: string[]): Promise<Outcome> {
    const report = this.path("report.json");
    rmSync(report, { force: true });
    const escaped = names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    // Vitest matches names with " > " between a group and a test, and reports them without.
    const pattern = escaped.join("|").replaceAll(" ", "(?: >)? ");
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const args = [vitest, "run", file, "-t", pattern, "--reporter=json", `--outputFile=${report}`];
    const child = spawn(process.execPath, args, { cwd: this.folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        output = (output + chunk).slice(-4000);
      });
    const timer = setTimeout(() => child.kill("SIGKILL"), TEST_TIMEOUT_MS);
    await new Promise((done) => child.once("close", done));
    clearTimeout(timer);
    if (!existsSync(report)) return { passed: [], failed: [], said: output };
    const { testResults } = JSON.parse(await readFile(report, "utf8")) as Report;
    const all = testResults.flatMap(({ assertionResults }) => assertionResults);
    const named = (status: string) =>
      all.filter((each) => each.status === status).map((each) => each.fullName);
    const said = all.flatMap((each) => each.failureMessages ?? [])[0] ?? testResults[0]?.message ?? output;
    return { passed: named("passed"), failed: named("failed"), said };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Of vitest's JSON reporter. */
interface Report {
  testResults: {
    message?: string;
    assertionResults: { status: string; fullName: string; failureMessages?: string[] }[];
  }[];
}
