import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { monitoringFiles } from "../../tools/monitoring/files.ts";
import { panelExpressions } from "./expressions.ts";

/**
 * Checks the alert rules and the queries of the dashboards, and runs the rules' unit tests, with promtool: `$PROMTOOL`, one on PATH, or the one that Go
 * builds once.
 */

const VERSION = "v0.316.0";
const CACHE = fileURLToPath(new URL(`../../.cache/promtool/${VERSION}`, import.meta.url));
const RULES = fileURLToPath(new URL("../../manifests/monitoring/modelgate.rules.yaml", import.meta.url));
const TESTS = fileURLToPath(new URL("modelgate.rules.test.yaml", import.meta.url));

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

function promtool(): string | undefined {
  const built = `${CACHE}/promtool`;
  for (const program of [process.env.PROMTOOL ?? "promtool", built])
    if (runs(program, "--version")) return program;
  if (!runs("go", "version")) return undefined;
  console.log(`building promtool into ${CACHE}; this takes minutes`);
  execFileSync("go", ["install", `github.com/prometheus/prometheus/cmd/promtool@${VERSION}`], {
    stdio: "inherit",
    env: { ...process.env, GOBIN: CACHE },
  });
  return existsSync(built) ? built : undefined;
}

/** The dashboards' queries as rules, which promtool parses. */
async function queriesAsRules(folder: string): Promise<string> {
  const rules = panelExpressions(await monitoringFiles()).map(({ expr }, i) => ({
    record: `query:${i}`,
    expr,
  }));
  const file = join(folder, "queries.yaml");
  writeFileSync(file, stringify({ groups: [{ name: "dashboards", rules }] }));
  return file;
}

async function run(): Promise<void> {
  const program = promtool();
  if (program === undefined) {
    console.log("alert rule tests are skipped: install promtool (Debian prometheus) or Go 1.26");
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "modelgate-rules-"));
  for (const args of [
    ["check", "rules", "--lint=all", "--lint-fatal", RULES],
    ["check", "rules", await queriesAsRules(folder)],
    ["test", "rules", TESTS],
  ])
    if (spawnSync(program, args, { stdio: "inherit" }).status !== 0) process.exitCode = 1;
  rmSync(folder, { recursive: true });
}

await run();
