import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Checks the alert rules and runs their unit tests with promtool: `$PROMTOOL`, one on PATH, or the one that Go builds once. */

const VERSION = "v0.316.0";
const CACHE = fileURLToPath(new URL(`../../.cache/promtool/${VERSION}`, import.meta.url));
const RULES = fileURLToPath(new URL("../../manifests/monitoring/modelgate.rules.yaml", import.meta.url));
const TESTS = fileURLToPath(new URL("modelgate.rules.test.yaml", import.meta.url));

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function promtool(): string | undefined {
  const built = `${CACHE}/promtool`;
  for (const program of [process.env.PROMTOOL ?? "promtool", built]) if (runs(program, "--version")) return program;
  if (!runs("go", "version")) return undefined;
  console.log(`building promtool into ${CACHE}; this takes minutes`);
  execFileSync("go", ["install", `github.com/prometheus/prometheus/cmd/promtool@${VERSION}`], {
    stdio: "inherit",
    env: { ...process.env, GOBIN: CACHE },
  });
  return existsSync(built) ? built : undefined;
}

const program = promtool();
if (program === undefined) console.log("alert rule tests are skipped: install promtool (Debian prometheus) or Go 1.26");
else {
  for (const args of [
    ["check", "rules", "--lint=all", "--lint-fatal", RULES],
    ["test", "rules", TESTS],
  ]) {
    const { status } = spawnSync(program, args, { stdio: "inherit" });
    if (status !== 0) process.exitCode = 1;
  }
}
