import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import type { EnvoySource } from "../../tools/lib/envoy/find.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { localRateLimitByTask, type TaskLimit, taskidFromPath } from "./native.ts";
import { measure, type Row, type Variant } from "./variants.ts";

const TASKS = [1, 100, 5000];
const WORKERS = [1, 2];
const RATE = 100_000_000;
const REQUESTS = 40_000;

export interface LimitsRow extends Row {
  tasks: number;
  workers: number;
}

/**
 * A rate limit for each task: ours beside Envoy's native one, for so many tasks, at one and two workers. The load goes
 * over all tasks in turn: h2load takes paths in turn, and a filter in front, in every variant, makes `taskid` of the path.
 * "no filter" has that one only; "no-op Wasm filter" fetches the request headers, as any stage does, and does no more.
 */
export async function limits(envoy: EnvoySource, rounds: number): Promise<LimitsRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
  const noOp = fileURLToPath(new URL("build/test/no-op.wasm", PROJECT_ROOT));
  await compileModule(fileURLToPath(new URL("test/wasm/no-op.ts", PROJECT_ROOT)), noOp);
  const rows: LimitsRow[] = [];
  try {
    for (const tasks of TASKS) {
      const pathsFile = join(folder, `paths-${tasks}`);
      const paths = Array.from({ length: tasks }, (_, i) => `/task-${i}`);
      await writeFile(pathsFile, `${paths.join("\n")}\n`);
      const limits = paths.map((taskid) => ({ taskid, requestsPerSecond: RATE }));
      console.error(`limits, ${tasks} tasks`);
      const kinds: [string, object[]][] = [
        ["no filter", []],
        ["no-op Wasm filter", [wasmFilter("no-op", noOp, { noOp: {} })]],
        ["native local_ratelimit", [localRateLimitByTask(limits)]],
        ["rate-limit.wasm", [ours(limits)]],
      ];
      const variants = kinds.flatMap(([name, filters]) =>
        WORKERS.map((workers) => ({ ...variant(name, filters, pathsFile), workers })),
      );
      const measured = await measure(envoy, variants, rounds);
      rows.push(...measured.map((row, i) => ({ ...row, tasks, workers: variants[i]?.workers ?? 1 })));
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function ours(tasks: TaskLimit[]): object {
  return wasmFilter("rate-limit", modulePath("rate-limit"), { rateLimit: { tasks } });
}

function variant(name: string, filters: object[], pathsFile: string): Variant {
  return {
    name,
    envoy: {
      tasks: [],
      routes: [{ match: { prefix: "/" }, direct_response: { status: 200, body: { inline_string: "ok" } } }],
      filters: [taskidFromPath(), ...filters],
    },
    load: { path: "/", pathsFile, headers: {}, requests: REQUESTS, connections: 20 },
  };
}

/** The rows as text: microseconds of CPU, what a filter adds, and throughput at two workers / at one. */
export function limitsTable(rows: LimitsRow[]): string {
  const of = (tasks: number, workers: number, name: string) =>
    rows.find((row) => row.tasks === tasks && row.workers === workers && row.name === name) as LimitsRow;
  const lines = ["\nRate limits per task: CPU microseconds of Envoy per request (added to no filter's)"];
  lines.push(
    `  ${"tasks".padEnd(8)}${"".padEnd(26)}${"1 worker".padStart(20)}${"2 workers".padStart(20)}   throughput 2 / 1 workers`,
  );
  for (const tasks of new Set(rows.map((row) => row.tasks))) {
    for (const name of new Set(rows.map((row) => row.name))) {
      const cells = WORKERS.map((workers) => {
        const cpu = of(tasks, workers, name).cpuMicroseconds;
        const added = cpu - of(tasks, workers, "no filter").cpuMicroseconds;
        return `${cpu.toFixed(1)} (+${added.toFixed(1)})`.padStart(20);
      });
      const ratio = of(tasks, 2, name).requestsPerSecond / of(tasks, 1, name).requestsPerSecond;
      lines.push(
        `  ${String(tasks).padEnd(8)}${name.padEnd(26)}${cells.join("")}${ratio.toFixed(2).padStart(14)}`,
      );
    }
  }
  return lines.join("\n");
}
