import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { latencyHistogram } from "../../../tools/serving/loadtest/histogram.ts";
import type { Backend } from "../conversion/backend.ts";
import { resetPeak, residentBytes } from "../conversion/memory.ts";
import { warmUp } from "../conversion/warm-up.ts";
import { type Load, run } from "../load.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";
import { type Call, type Cell, requestsOf } from "./cells.ts";
import { type Gateway, PLAIN } from "./gateways.ts";
import { openLoad, runOpenLoop } from "./open-loop.ts";
import { type Dialect, type Request, requestOf, tensorFor } from "./requests.ts";
import { type Latency, latencyOf, type Spread, shuffled, spreadOf } from "./statistics.ts";

export interface Running {
  gateway: Gateway;
  process: RunningGateway;
  /** Calls that it has run for long enough to be compiled, where it compiles itself. */
  warm: Set<Call>;
}

export interface ChainRow {
  gateway: string;
  /** CPU microseconds of its process per request, and what is more than the plain proxy's in the same round. */
  cpu: Spread;
  added: Spread;
  latency?: Latency;
  /** Resident memory of the process at most. */
  peakBytes: number;
}

export interface ChainTable {
  cell: Cell;
  /** In each round. */
  requests: number;
  rounds: number;
  rows: ChainRow[];
  /** Gateways that could not do what is measured, and why. */
  failed: { gateway: string; reason: string }[];
}

interface Sample extends Running {
  request: Request;
  load: Load;
  cpus: number[];
}

/** Latency is taken in pieces of so many seconds, one a round. */
const OPEN_LOOP_SECONDS = 1.5;

/**
 * Measures a cell: each round visits the gateways, so that a noisy moment of the machine hits all alike, and in an order of its own, so that
 * none always comes after the same one and what that left in the caches. The first round warms up.
 */
export async function measureCell(
  cell: Cell,
  all: Running[],
  backend: Backend,
  rounds: number,
  folder: string,
): Promise<ChainTable> {
  const failed: ChainTable["failed"] = [];
  const requests = requestsOf(cell);
  let samples = await prepare(cell, all, requests, folder);
  const visit = async (measure: (sample: Sample) => Promise<void>) => {
    for (const sample of shuffled(samples)) {
      backend.grpcReply = sample.request.grpcReply;
      try {
        await measure(sample);
      } catch (error) {
        const reason = (error as Error).message.split("\n")[0] as string;
        if (sample.gateway.name === PLAIN) throw error;
        failed.push({ gateway: sample.gateway.name, reason });
      }
    }
    samples = samples.filter(({ gateway }) => !failed.some((each) => each.gateway === gateway.name));
  };
  await visit(async ({ gateway, process, load, warm }) => {
    if (process.pid !== undefined) await resetPeak(process.pid);
    if (gateway.warmsUp && !warm.has(cell.call)) await warmUp(process, load);
    warm.add(cell.call);
    await run(process, load);
  });
  for (let round = 1; round <= rounds; round++) {
    await visit(async ({ process, load, cpus }) => {
      cpus.push((await run(process, load)).cpuMicroseconds);
    });
  }
  const latencies = new Map(samples.map(({ gateway }) => [gateway.name, latencyHistogram()]));
  const { perSecond } = cell;
  for (let round = 1; perSecond && round <= rounds; round++) {
    await visit(async ({ gateway, process, request, load }) => {
      const { headers } = load;
      const open = openLoad(process.port, cell.call, { ...request, headers }, cell.connections);
      const result = await runOpenLoop({ ...open, perSecond, seconds: OPEN_LOOP_SECONDS });
      if (result.failed > 0) throw new Error(`${result.failed} requests failed: ${result.reason}`);
      latencies.get(gateway.name)?.add(result.latencies);
    });
  }
  const base = (samples[0] as Sample).cpus;
  const rows: ChainRow[] = [];
  for (const { gateway, process, cpus } of samples) {
    rows.push({
      gateway: gateway.name,
      cpu: spreadOf(cpus),
      added: spreadOf(cpus.map((cpu, round) => cpu - (base[round] as number))),
      ...(perSecond && { latency: latencyOf(latencies.get(gateway.name) ?? latencyHistogram()) }),
      peakBytes: process.pid === undefined ? 0 : (await residentBytes(process.pid)).peak,
    });
  }
  return { cell, requests, rounds, rows, failed };
}

/** Makes the requests of the gateways that take this kind; gateways of one dialect share a body. */
async function prepare(cell: Cell, all: Running[], requests: number, folder: string): Promise<Sample[]> {
  const tensor = tensorFor(cell.call, cell.bytes);
  const made = new Map<Dialect, { request: Request; bodyFile: string }>();
  const samples: Sample[] = [];
  for (const running of all) {
    const { dialect, credential, calls } = running.gateway;
    if (!calls.includes(cell.call)) continue;
    let own = made.get(dialect);
    if (!own) {
      own = { request: requestOf(cell.call, tensor, dialect), bodyFile: join(folder, `body-${made.size}`) };
      made.set(dialect, own);
      if (own.request.body) await writeFile(own.bodyFile, own.request.body);
    }
    const { request, bodyFile } = own;
    const load: Load = {
      ...{ path: request.path, headers: { ...request.headers, ...credential } },
      ...{ requests, connections: cell.connections, http2: cell.http === 2 },
      ...(request.body && { bodyFile }),
    };
    samples.push({ ...running, request, load, cpus: [] });
  }
  return samples;
}
