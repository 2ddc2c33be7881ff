/**
 * How many log lines a second `modelgate collector` stores and counts, pinned to one core, and with how much memory. The lines
 * are those that the real gateway writes, with ids, times and tasks of their own. Beside it: JSON.parse alone of the same
 * lines, on the same core. `npm run bench:collector [lines]`
 */

import { execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rename, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { startTestGateway } from "../support/gateway.ts";
import { settle } from "../support/pace.ts";
import { until } from "../support/until.ts";

const MODELGATE = fileURLToPath(new URL("../../tools/cli/modelgate.ts", import.meta.url));
const CORE = "1";
const TASKS = 1_000;
const PORT_PATTERN = /"url":"([^"]+)"/;
const lines = Number(process.argv[2] ?? 1_500_000);

/** What the gateway writes of requests that succeed, are refused and fail. */
async function templates(): Promise<Record<string, unknown>[]> {
  const gateway = await startTestGateway();
  const body = JSON.stringify({
    inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
  });
  const path = "/v2/models/linear/infer";
  for (let i = 0; i < 14; i++) await gateway.post(path, body);
  for (let i = 0; i < 3; i++) await gateway.post(path, body, { "x-api-key": "wrong" });
  await gateway.post(path, body, { taskid: "gone" });
  await settle(1_500);
  const found = await gateway.logged(() => true);
  await gateway.stop();
  return found;
}

async function writeLines(path: string): Promise<void> {
  const from = await templates();
  const out = createWriteStream(path);
  const start = Date.now() - 60_000;
  let text = "";
  for (let i = 0; i < lines; i++) {
    const line = {
      ...from[i % from.length],
      start_time: new Date(start + (i * 20_000) / lines).toISOString(),
      duration: Math.floor(5 * Math.exp(Math.random() * 3)),
      request_id: randomUUID(),
      taskid: String(Math.floor(Math.random() ** 3 * TASKS)),
    };
    text += `${JSON.stringify(line)}\n`;
    if (text.length < 1 << 20) continue;
    if (!out.write(text)) await once(out, "drain");
    text = "";
  }
  out.end(text);
  await once(out, "finish");
}

const PARSE = `
const { openSync, readSync } = require("node:fs");
const file = openSync(process.argv[1], "r"), buffer = Buffer.alloc(1 << 22);
let kept = 0, count = 0;
for (;;) {
  const read = readSync(file, buffer, kept, buffer.length - kept, null);
  if (read === 0) break;
  let from = 0;
  for (let end; (end = buffer.subarray(0, kept + read).indexOf(10, from)) >= 0; from = end + 1) { JSON.parse(buffer.utf8Slice(from, end)); count++; }
  kept = kept + read - from;
  buffer.copy(buffer, 0, from, from + kept);
}
console.log(JSON.stringify({ count, micros: process.cpuUsage().user + process.cpuUsage().system }));`;

async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

const folder = await temporaryFolder(join(tmpdir(), "modelgate-bench-"));
const source = join(folder.path, "lines.ndjson");
console.error(`writing ${lines} lines`);
await writeLines(source);
const { size } = await stat(source);
const logs = join(folder.path, "logs");
await mkdir(logs);
const args = [MODELGATE, "collector", join(logs, "*.log"), "--store", join(folder.path, "store")];
const child = spawn("taskset", ["-c", CORE, process.execPath, ...args, "--listen", "127.0.0.1:0"], {
  stdio: ["ignore", "ignore", "pipe"],
});
process.once("exit", () => child.kill("SIGKILL"));
let url = "";
const errors: string[] = [];
for await (const line of createInterface({ input: child.stderr })) {
  url = PORT_PATTERN.exec(line)?.[1] ?? "";
  if (url !== "") break;
  errors.push(line);
}
if (url === "") throw new Error(`the collector did not start: ${errors.join("\n")}`);
const pid = child.pid as number;
await settle(2_000);
const before = await cpuMicroseconds(pid);
const started = Date.now();
await rename(source, join(logs, "access.log"));
const isStored = async () => {
  const answer = await fetch(`${url}/api/v1/traffic?from=1h&step=0&by=`);
  const { rows } = (await answer.json()) as { rows: { requests: number }[] };
  return rows[0]?.requests === lines;
};
// Each question costs the core that is measured.
await until(isStored, {
  withinMs: 600_000,
  everyMs: 1_000,
  message: "the collector does not store all lines",
});
const seconds = (Date.now() - started) / 1_000;
const cpu = ((await cpuMicroseconds(pid)) - before) / 1e6;
// The files are merged meanwhile or now.
await settle(12_000);
const settled = ((await cpuMicroseconds(pid)) - before) / 1e6;
const peak = await memory(pid);
child.kill("SIGTERM");
await once(child, "exit");
const parsed = JSON.parse(
  execFileSync("taskset", ["-c", CORE, process.execPath, "-e", PARSE, join(logs, "access.log")], {
    encoding: "utf8",
  }),
) as { count: number; micros: number };
const stored = Number(
  execFileSync("du", ["-sb", join(folder.path, "store")], { encoding: "utf8" }).split("\t")[0],
);
await folder.remove();

const perLine = (total: number) => (total * 1e6) / lines;
console.log(`${lines} lines of ${Math.round(size / lines)} bytes, ${TASKS} tasks, one core`);
console.log(
  `  collector: ${Math.round(lines / seconds)} lines/s by the clock, ${Math.round(lines / cpu)} lines per CPU second`,
);
console.log(
  `  CPU a line: ${perLine(cpu).toFixed(2)} us; with files merged ${perLine(settled).toFixed(2)} us`,
);
console.log(`  memory at most: ${peak.toFixed(0)} MiB; store: ${Math.round(stored / lines)} bytes a line`);
console.log(
  `  JSON.parse alone: ${(parsed.micros / parsed.count).toFixed(2)} us a line; the collector costs ${((cpu * 1e6) / lines / (parsed.micros / parsed.count)).toFixed(2)} x as much`,
);
