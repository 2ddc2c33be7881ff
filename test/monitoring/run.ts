import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { monitoringFiles } from "../../tools/dashboards/files.ts";
import { panelExpressions } from "./expressions.ts";
import { alertsReachTheTimeLine } from "./fired.ts";

/**
 * Checks the alert rules and the queries of the dashboards, and runs the rules' unit tests, with promtool; then alerts go their whole way through a
 * Prometheus and an Alertmanager. Each is `$PROMTOOL`, `$PROMETHEUS` or `$ALERTMANAGER`, one on PATH, or the one that Go builds once.
 */

const PROMETHEUS = "v0.316.0";
const ALERTMANAGER = "v0.28.1";
const RULES = fileURLToPath(new URL("../../manifests/monitoring/modelgate.rules.yaml", import.meta.url));
const TESTS = fileURLToPath(new URL("modelgate.rules.test.yaml", import.meta.url));

function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** @param path within github.com/prometheus, of which the last part is the program's name */
function find(path: string, version: string, ...names: (string | undefined)[]): string | undefined {
  const name = basename(path);
  const cache = fileURLToPath(new URL(`../../.cache/${name}/${version}`, import.meta.url));
  const built = join(cache, name);
  for (const program of [...names, name, built])
    if (program !== undefined && runs(program, "--version")) return program;
  if (!runs("go", "version")) return undefined;
  console.log(`building ${name} into ${cache}; this takes minutes`);
  execFileSync("go", ["install", `github.com/prometheus/${path}@${version}`], {
    stdio: "inherit",
    env: { ...process.env, GOBIN: cache },
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

async function rules(folder: string): Promise<void> {
  const program = find("prometheus/cmd/promtool", PROMETHEUS, process.env.PROMTOOL);
  if (program === undefined) {
    console.log("alert rule tests are skipped: install promtool (Debian prometheus) or Go 1.26");
    return;
  }
  for (const args of [
    ["check", "rules", "--lint=all", "--lint-fatal", RULES],
    ["check", "rules", await queriesAsRules(folder)],
    ["test", "rules", TESTS],
  ])
    if (spawnSync(program, args, { stdio: "inherit" }).status !== 0) process.exitCode = 1;
}

async function alerts(folder: string): Promise<void> {
  const { env } = process;
  const prometheus = find("prometheus/cmd/prometheus", PROMETHEUS, env.PROMETHEUS);
  const alertmanager = find(
    ...(["alertmanager/cmd/alertmanager", ALERTMANAGER] as const),
    ...[env.ALERTMANAGER, "prometheus-alertmanager"],
  );
  if (prometheus === undefined || alertmanager === undefined) {
    console.log("alerts on their whole way are skipped: install prometheus and alertmanager, or Go 1.26");
    return;
  }
  await alertsReachTheTimeLine(folder, { prometheus, alertmanager });
}

const folder = mkdtempSync(join(tmpdir(), "modelgate-rules-"));
try {
  await rules(folder);
  await alerts(folder);
} finally {
  rmSync(folder, { recursive: true });
}
