/**
 * 5,000 tasks, 50 gateway pods that each report once a second, one controller process on one core: how long a report takes, and what the
 * controller spends. First with 200 tasks that have traffic, then with all of them. `npm run bench:controller [seconds]`
 */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { type ClientHttp2Session, connect } from "node:http2";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { PROTOCOL_VERSION, REPORT_PATH } from "../../tools/servers/controller/protocol.ts";
import { pace } from "../support/pace.ts";

const TASKS = 5_000;
const PODS = 50;
const WARM_UP_SECONDS = 6;
const seconds = Number(process.argv[2] ?? 30);

const folder = await temporaryFolder(join(tmpdir(), "modelgate-bench-"));
await writeFile(join(folder.path, "resources.json"), JSON.stringify(resources()));
for (const active of [200, TASKS]) await run(active);
await folder.remove();

function resources(): object {
  const apiVersion = "modelgate.dev/v1alpha1";
  const tenant = {
    apiVersion,
    kind: "Tenant",
    metadata: { name: "bench" },
    spec: {
      gateway: { name: "gateway", namespace: "bench", hosts: ["bench.example"] },
      namespaces: ["models"],
    },
  };
  const tasks = Array.from({ length: TASKS }, (_, i) => ({
    apiVersion,
    kind: "ModelTask",
    metadata: { name: `task-${i}`, namespace: "models" },
    spec: {
      taskid: String(i),
      tenant: "bench",
      service: { name: `service-${i}` },
      limits: { requestsPerSecond: 1500, maxInFlightPerReplica: 200 },
    },
  }));
  return { apiVersion: "v1", kind: "List", items: [tenant, ...tasks] };
}

async function run(active: number): Promise<void> {
  // Made beforehand, so that the load generator's own work isn't measured.
  const bodies = Array.from({ length: PODS }, (_, index) =>
    Array.from({ length: 4 }, () => Buffer.from(JSON.stringify(report(index, active)).slice(1))),
  );
  const controller = await startPinned();
  const latencies: number[] = [];
  const moves: number[] = [];
  const failures = new Map<string, number>();
  let running = true;
  const cpuBefore = { at: 0, cpu: 0 };
  const pods = Array.from({ length: PODS }, (_, i) => pod(i));
  const memory: string[] = [];
  await pace(WARM_UP_SECONDS * 1000);
  latencies.length = 0;
  moves.length = 0;
  Object.assign(cpuBefore, { at: performance.now(), cpu: (await cpuMicroseconds(controller.pid)) / 1e6 });
  for (let i = 0; i < 6; i++) {
    memory.push(`${Math.round(await residentMiB(controller.pid))}`);
    await pace((seconds * 1000) / 5 - (i === 5 ? (seconds * 1000) / 5 : 0));
  }
  const cpu = (await cpuMicroseconds(controller.pid)) / 1e6 - cpuBefore.cpu;
  const wall = (performance.now() - cpuBefore.at) / 1000;
  running = false;
  await Promise.all(pods);
  controller.stop();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) => `${latencies[Math.floor(latencies.length * q)]?.toFixed(1)} ms`;
  console.log(
    [
      `${TASKS} tasks x ${PODS} gateway pods, ${active} tasks active: ${latencies.length} reports in ${wall.toFixed(0)} s`,
      `  round trip p50 ${quantile(0.5)}, p99 ${quantile(0.99)}, max ${latencies.at(-1)?.toFixed(1)} ms`,
      `  CPU ${((cpu / wall) * 100).toFixed(0)} % of a core, ${((cpu / latencies.length) * 1000).toFixed(2)} ms a report, so ${((cpu / wall / PODS) * 100).toFixed(2)} % of a core a gateway pod`,
      `  shares moved a reply: ${(moves.reduce((a, b) => a + b, 0) / moves.length).toFixed(1)}`,
      `  resident memory over time ${memory.join(", ")} MiB`,
      ...[...failures].map(([what, count]) => `  FAILED ${what}: ${count}`),
    ].join("\n"),
  );

  async function pod(index: number): Promise<void> {
    const session = connect(`http://127.0.0.1:${controller.port}`);
    session.on("error", () => {});
    let generation = 0;
    const rests = bodies[index] as Buffer[];
    // Each at its own time of the second, as gateways that started at different times.
    await pace((index * 1000) / PODS);
    let next = performance.now();
    for (let i = 0; running; i++) {
      const start = performance.now();
      const head = Buffer.from(`{"generation":${generation},`);
      const { status, reply } = await post(session, Buffer.concat([head, rests[i % rests.length] as Buffer]));
      latencies.push(performance.now() - start);
      if (status === 200) {
        generation = Number(/"generation":(\d+)/.exec(reply.toString("latin1", 0, 200))?.[1]);
        moves.push(reply.toString("latin1").split('"burst"').length - 1);
      } else failures.set(String(status), (failures.get(String(status)) ?? 0) + 1);
      next = Math.max(next + 1000, performance.now() + 100);
      await pace(Math.max(0, next - performance.now()));
    }
    session.close();
  }
}

/** A report with Poisson-like noise, around a mean that differs between pods and tasks. */
function report(pod: number, active: number): object {
  const tasks: Record<string, object> = {};
  for (let i = 0; i < active; i++) {
    const mean = 5 + ((i * 7 + pod * 13) % 30);
    const admitted = Math.max(
      0,
      Math.round(mean + Math.sqrt(mean) * (Math.random() * 2 + Math.random() * 2 - 2)),
    );
    tasks[i] = { admitted, refused: 0, inFlight: Math.round(admitted / 10), latencyMicroseconds: 5000 + i };
  }
  return {
    apiVersion: PROTOCOL_VERSION,
    gateway: "bench/gateway",
    pod: `pod-${pod}`,
    intervalMilliseconds: 1000,
    connections: 10 + pod,
    tasks,
    tenants: {},
  };
}

function post(session: ClientHttp2Session, body: Buffer): Promise<{ status: number; reply: Buffer }> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": REPORT_PATH,
      "content-type": "application/json",
    });
    let status = 0;
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => {
      status = Number(headers[":status"]);
    });
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => resolve({ status, reply: Buffer.concat(chunks) }));
    stream.on("error", reject);
    stream.end(body);
  });
}

/** The controller, held to one core where the system can do that (the garbage collector's threads with it). */
async function startPinned(): Promise<{ pid: number; port: number; stop(): void }> {
  const command = [
    process.execPath,
    fileURLToPath(new URL("../../tools/cli/modelgate.ts", import.meta.url)),
    ...["controller", "--config", folder.path, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"],
  ];
  const core = String(availableParallelism() - 1);
  const [program, ...args] = process.platform === "linux" ? ["taskset", "-c", core, ...command] : command;
  const child = spawn(program as string, args, { stdio: ["ignore", "ignore", "pipe"] });
  process.once("exit", () => child.kill());
  const port = await new Promise<number>((resolve, reject) => {
    let log = "";
    child.stderr.on("data", (chunk) => {
      log += chunk;
      const [, found] = /127\.0\.0\.1:(\d+)/.exec(log) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    child.on("exit", (code) => reject(new Error(`the controller ended with ${code}: ${log}`)));
  });
  return { pid: child.pid as number, port, stop: () => child.kill() };
}

async function residentMiB(pid: number): Promise<number> {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}
