import { writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import type { EnvoySource } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { startResourceGateway } from "../../tools/local/dev/resource-gateway.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { CHUNKS_HEADER, startStreamingServer } from "./language-server.ts";
import { median } from "./load.ts";

const TASK = "llm";
const FIRST_TOKENS = 150;
const STREAMS = 20;
const LONG_STREAM = 300;
const PROMPT_BYTES = 1_000_000;
const PROMPTS = 40;

const RESOURCES = `apiVersion: modelgate.dev/v1alpha1
kind: Tenant
metadata: {name: bench}
spec:
  namespaces: [bench]
  gateway: {name: gateway, namespace: bench, hosts: ["*"]}
  credentials: [{id: app, sha256: ${digestOf(KEY)}}]
  tasks: [{task: ${TASK}}]
---
apiVersion: modelgate.dev/v1alpha1
kind: ModelTask
metadata: {name: ${TASK}, namespace: bench}
spec: {taskid: ${TASK}, tenant: bench, service: {name: ${TASK}}, protocol: openai, limits: {requestsPerSecond: 1000000}}
`;

/** What is measured in a round: a value for each gateway. */
const MEASURES: Record<string, (gateways: RunningEnvoy[]) => Promise<number[]>> = {
  "time to first token, p50, us": firstTokens,
  "CPU per streamed chunk, us": inTurn(chunk),
  "CPU per prompt of 1 MB, model in front, us": inTurn((at) => prompt(at, true)),
  "CPU per prompt of 1 MB, model behind it, us": inTurn((at) => prompt(at, false)),
};

export interface LanguageRow {
  measure: string;
  gateway: string;
  /** Median of the rounds. */
  value: number;
  /** More than the plain proxy in the same round: median, least and most of the rounds. */
  added: [number, number, number];
}

/**
 * Calls of a language model through a plain Envoy, the same once more (what is measured between the two is
 * noise), and ours with all filters, a limit and its log. All are up at once, each round visits them in turn,
 * and the first one only warms up.
 */
export async function language(envoy: EnvoySource, rounds: number): Promise<LanguageRow[]> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-bench-"));
  const server = await startStreamingServer();
  const file = join(folder.path, "resources.yaml");
  await writeFile(file, RESOURCES);
  const plain = () =>
    startEnvoy({
      envoy,
      concurrency: 1,
      bootstrap: bootstrap({ tasks: [{ taskid: TASK, port: server.port, http1: true }], filters: [] }),
    });
  const [first, second] = [await plain(), await plain()];
  const ours = await startResourceGateway({
    ...{ paths: [file], secrets: new Map(), concurrency: 1, log: pino({ level: "silent" }) },
    servers: new Map([[TASK, { host: "127.0.0.1", port: server.port }]]),
    ...("program" in envoy && { envoy: envoy.program }),
  });
  try {
    return await measure(
      { "no filter": first, "no filter, once more": second, "gateway.wasm": ours.envoy },
      rounds,
    );
  } finally {
    await Promise.all([first.stop(), second.stop(), ours.stop()]);
    await server.stop();
    await folder.remove();
  }
}

async function measure(gateways: Record<string, RunningEnvoy>, rounds: number): Promise<LanguageRow[]> {
  const names = Object.keys(gateways);
  const rows: LanguageRow[] = [];
  for (const [what, run] of Object.entries(MEASURES)) {
    const samples = new Map(names.map((name) => [name, [] as number[]]));
    for (let round = 0; round <= rounds; round++) {
      const values = await run(Object.values(gateways));
      if (round > 0) for (const [index, name] of names.entries()) samples.get(name)?.push(values[index] ?? 0);
    }
    const base = samples.get(names[0] ?? "") ?? [];
    for (const [gateway, values] of samples) {
      const added = values.map((value, round) => value - (base[round] ?? Number.NaN));
      rows.push({
        ...{ measure: what, gateway, value: median(values) },
        added: [median(added), Math.min(...added), Math.max(...added)],
      });
    }
    console.error(`  ${what}: done`);
  }
  return rows;
}

export function languageTable(rows: LanguageRow[]): string {
  const lines = Object.keys(MEASURES).flatMap((what) => [
    `\nLanguage model: ${what}`,
    ...rows
      .filter(({ measure: each }) => each === what)
      .map(({ gateway, value, added: [middle, least, most] }) => {
        const range = `added ${middle.toFixed(1)} (${least.toFixed(1)} to ${most.toFixed(1)})`;
        return `  ${gateway.padEnd(24)}${value.toFixed(1).padStart(12)}  ${range}`;
      }),
  ]);
  return lines.join("\n");
}

function inTurn(run: (at: RunningEnvoy) => Promise<number>) {
  return async (gateways: RunningEnvoy[]) => {
    const values: number[] = [];
    for (const at of gateways) values.push(await run(at));
    return values;
  };
}

/**
 * Microseconds from sending to the first byte of the answer, one request at a time, to each gateway in turn: a
 * noisy moment hits all alike.
 */
async function firstTokens(gateways: RunningEnvoy[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true });
  const times = gateways.map(() => [] as number[]);
  for (let sent = 0; sent < FIRST_TOKENS; sent++)
    for (const [index, at] of gateways.entries()) times[index]?.push(await ask(at, agent, chat(""), 1));
  agent.destroy();
  return times.map(median);
}

/** Long streams at once, less what as many short ones cost. */
async function chunk(at: RunningEnvoy): Promise<number> {
  const streams = async (chunks: number) => {
    const agent = new Agent({ keepAlive: true });
    const used = await cpu(at, () =>
      Promise.all(Array.from({ length: STREAMS }, () => ask(at, agent, chat(""), chunks))),
    );
    agent.destroy();
    return used;
  };
  const [short, long] = [await streams(1), await streams(LONG_STREAM)];
  return (long - short) / (STREAMS * (LONG_STREAM - 1));
}

async function prompt(at: RunningEnvoy, isModelInFront: boolean): Promise<number> {
  const agent = new Agent({ keepAlive: true });
  const body = chat("x".repeat(PROMPT_BYTES), isModelInFront);
  const used = await cpu(at, async () => {
    for (let sent = 0; sent < PROMPTS; sent++) await ask(at, agent, body, 1);
  });
  agent.destroy();
  return used / PROMPTS;
}

async function cpu({ pid }: RunningEnvoy, run: () => Promise<unknown>): Promise<number> {
  if (pid === undefined)
    throw new Error("CPU time is measured of a process, not of a container: give --envoy");
  const before = await cpuMicroseconds(pid);
  await run();
  return (await cpuMicroseconds(pid)) - before;
}

function chat(content: string, isModelInFront = true): Buffer {
  const rest = { messages: [{ role: "user", content: `hello ${content}` }], stream: true };
  return Buffer.from(JSON.stringify(isModelInFront ? { model: TASK, ...rest } : { ...rest, model: TASK }));
}

/** @returns microseconds until the first byte of the answer; it resolves at its end */
function ask(at: RunningEnvoy, agent: Agent, body: Buffer, chunks: number): Promise<number> {
  const headers = {
    ...{ authorization: `Bearer ${KEY}`, "content-type": "application/json", taskid: TASK },
    ...{ "content-length": body.length, [CHUNKS_HEADER]: chunks },
  };
  return new Promise((resolve, reject) => {
    const started = performance.now();
    let first = Number.NaN;
    const path = "/v1/chat/completions";
    const sent = request(
      { host: "127.0.0.1", port: at.port, method: "POST", path, agent, headers },
      (answer) => {
        if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
        answer.once("data", () => {
          first = (performance.now() - started) * 1000;
        });
        answer.resume();
        answer.once("end", () => resolve(first));
      },
    );
    sent.once("error", reject);
    sent.end(body);
  });
}
