/**
 * What 200 tasks with converters of their own cost one gateway: `npm run bench:converters [counts...]`. Start time, memory, and
 * CPU per request, of one VM a converter behind the map of tasks, from a management server as istiod is one; of 20 behind each
 * other in the chain, as WasmPlugins would be; and of one module that holds them all.
 */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { converterChain, localConverter } from "../../tools/cluster/istio/converter-chain.ts";
import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { startEnvoy } from "../../tools/lib/envoy/process.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { compileConverter } from "../../tools/local/converter/compile.ts";
import { startModelServer } from "../../tools/serving/model-server/server.ts";
import { ADS, startManagementServer, withManagementServer } from "../support/management-server.ts";
import { median, run } from "./load.ts";

const counts = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1, 50, 200];
const COUNT = Math.max(...counts);
const WORKERS_COUNT = 50;
const CHAINED = Math.min(COUNT, 20);
const REQUESTS = 1000;
const ROUNDS = 3;
const TEMPLATE = fileURLToPath(new URL("filters/converter/template", PROJECT_ROOT));

const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
const envoyProgram = await findEnvoy();
const models = await startModelServer();
const taskids = Array.from({ length: COUNT }, (_, i) => `task${i}`);
const bodyFile = join(TEMPLATE, "example.json");

/** A module for each task, each with other code: a custom section with the task's name makes it a VM of its own. */
async function distinctModules(): Promise<string[]> {
  const base = join(folder, "base.wasm");
  await compileConverter(TEMPLATE, base);
  const bytes = await readFile(base);
  return Promise.all(
    taskids.map(async (taskid) => {
      const name = Buffer.from(taskid);
      const section = Buffer.concat([Buffer.of(0, name.length + 1, name.length), name]);
      const file = join(folder, `${taskid}.wasm`);
      await writeFile(file, Buffer.concat([bytes, section]));
      return file;
    }),
  );
}

/** One module with the code of all converters, which looks up whose request it is. */
async function sharedModule(): Promise<string> {
  const source = join(folder, "shared");
  await mkdir(source);
  await cp(TEMPLATE, source, { recursive: true });
  const one = await readFile(join(TEMPLATE, "converter.ts"), "utf8");
  for (let i = 0; i < COUNT; i++) {
    // A constant of its own, so that the compiler can't make two functions one.
    await writeFile(join(source, `own${i}.ts`), one.replace("FEATURES = 8", `FEATURES = ${8 + i}`));
  }
  const imports = taskids.map((_, i) => `import { after as a${i}, before as b${i} } from "./own${i}";`);
  const cases = taskids.map((_, i) => `  if (own == ${i}) return b${i}(request);`);
  const answers = taskids.map((_, i) => `  if (own == ${i}) return a${i}(response);`);
  const text = `import { InferRequest, ModelResponse, Request } from "modelgate/converter";
${imports.join("\n")}
let own = 0;
export function before(request: Request): InferRequest | null {
  const taskid = request.header("taskid");
  own = taskid == null ? 0 : <i32>parseInt(taskid.substring(4));
${cases.join("\n")}
  return null;
}
export function after(response: ModelResponse): Uint8Array | null {
${answers.join("\n")}
  return null;
}
`;
  await writeFile(join(source, "converter.ts"), text);
  const module = join(folder, "shared.wasm");
  await compileConverter(source, module);
  return module;
}

interface Result {
  name: string;
  converters: number;
  startMs: number;
  /** CPU time of Envoy until it serves. */
  startCpuMs: number;
  rssMegabytes: number;
  firstMs: number;
  cpuMicroseconds: number;
}

async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function measure(name: string, converters: number, filters: object[], workers = 1): Promise<Result> {
  const taskid = "task0";
  const config = bootstrap({ tasks: taskids.map((each) => ({ taskid: each, port: models.port })), filters });
  const started = performance.now();
  const envoy = await startEnvoy({
    envoy: envoyProgram,
    concurrency: workers,
    bootstrap: withManagementServer(config, discovery.port),
  });
  try {
    const startMs = performance.now() - started;
    const startCpuMs = (await cpuMicroseconds(envoy.pid as number)) / 1000;
    const first = performance.now();
    const answer = await fetch(`http://127.0.0.1:${envoy.port}/`, {
      method: "POST",
      headers: { taskid },
      body: await readFile(bodyFile),
    });
    await answer.text();
    const firstMs = performance.now() - first;
    const rssMegabytes = await residentMegabytes(envoy.pid as number);
    const result = {
      name,
      converters,
      startMs,
      startCpuMs,
      rssMegabytes,
      firstMs,
      cpuMicroseconds: Number.NaN,
    };
    if (filters.length === 0) return result;
    if (answer.status !== 200) throw new Error(`${name}: ${answer.status}`);
    const load = { path: "/", headers: { taskid }, bodyFile, requests: REQUESTS, connections: 4 };
    await run(envoy, load);
    const rounds: number[] = [];
    for (let i = 0; i < ROUNDS; i++) rounds.push((await run(envoy, load)).cpuMicroseconds);
    return { ...result, cpuMicroseconds: median(rounds) };
  } finally {
    await envoy.stop();
  }
}

const modules = await distinctModules();
const converters = taskids.map((taskid, i) => localConverter(taskid, modules[i] as string));
const discovery = await startManagementServer(converters);
try {
  const results = [await measure("no converter", 0, [])];
  for (const count of counts) {
    const chain = converterChain(taskids.slice(0, count), () => ADS);
    results.push(await measure("a VM each, behind the map of tasks", count, [chain]));
  }
  if (counts.includes(WORKERS_COUNT))
    results.push(
      await measure(
        "a VM each, two workers",
        WORKERS_COUNT,
        [converterChain(taskids.slice(0, WORKERS_COUNT), () => ADS)],
        2,
      ),
    );
  results.push(await measure("a VM each, one behind the other", CHAINED, converters.slice(0, CHAINED)));
  for (const taskid of taskids) discovery.set(localConverter(taskid, modules[0] as string));
  const chain = converterChain(taskids, () => ADS);
  results.push(await measure("the same one for all tasks", COUNT, [chain]));
  const shared = localConverter("task0", await sharedModule());
  results.push(await measure("all in one module", COUNT, [shared]));
  const none = results[0]?.rssMegabytes ?? 0;
  console.log(
    `${"one worker unless said".padEnd(44)}start ms  CPU ms   RSS MB  MB/converter  first ms  CPU us/request`,
  );
  for (const { name, converters, startMs, startCpuMs, rssMegabytes, firstMs, cpuMicroseconds } of results) {
    const number = (value: number, digits: number, width: number) =>
      (Number.isFinite(value) ? value.toFixed(digits) : "").padStart(width);
    console.log(
      String(converters).padStart(4),
      name.padEnd(39) + number(startMs, 0, 8) + number(startCpuMs, 0, 8) + number(rssMegabytes, 0, 9),
      number((rssMegabytes - none) / converters, 2, 13) + number(firstMs, 1, 10),
      number(cpuMicroseconds, 0, 15),
    );
  }
} finally {
  discovery.stop();
  models.stop();
  await rm(folder, { recursive: true, force: true });
}
