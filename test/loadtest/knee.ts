import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { table } from "../../tools/lib/terminal/table.ts";
import { readRun } from "../../tools/serving/loadtest/saved-run.ts";
import { Child } from "../support/child.ts";

/** Runs `modelgate loadtest` on model servers whose capacity is known by construction, and compares what it finds. */
const SERVERS = [
  { slots: 4, service: 20 },
  { slots: 2, service: 25 },
  { slots: 16, service: 40 },
];
const MOST_OFF = 0.1;
/** Overload delays all requests, the hiccups of a machine that others use a few of them: p90 tells them apart. */
const OBJECTIVE = process.argv[2] ?? "p90=150ms";
const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));

const folder = await mkdtemp(join(tmpdir(), "modelgate-knee-"));
const rows: string[][] = [];
let failed = false;
for (const { slots, service } of SERVERS) {
  const capacity = (slots / service) * 1000;
  const model = Child.model(0, slots, service);
  const port = await model.printed(/^(\d+)$/);
  const task = join(folder, "task.yaml");
  await writeFile(
    task,
    `apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: { name: known }
spec:
  taskid: known
  tenant: search
  service: { name: known, port: ${port} }
  warmUp: { request: { method: /inference.GRPCInferenceService/ModelInfer } }
`,
  );
  const save = join(folder, "run.json");
  const flags = ["--slo", OBJECTIVE, "--duration", "3s", "--from", String(capacity / 3), "--save", save];
  await promisify(execFile)(process.execPath, [MODELGATE, "loadtest", "-f", task, ...flags]);
  const { capacity: found } = await readRun(save);
  const ratio = found / capacity;
  failed ||= Math.abs(ratio - 1) > MOST_OFF;
  rows.push([String(slots), `${service} ms`, capacity.toFixed(1), found.toFixed(1), ratio.toFixed(3)]);
  await model.stop();
}
await rm(folder, { recursive: true });
process.stdout.write(table(["slots", "service time", "capacity/s", "found/s", "found / capacity"], rows));
process.exitCode = failed ? 1 : 0;
