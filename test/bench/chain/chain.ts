import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";
import { type Backend, startBackend } from "../conversion/backend.ts";
import { makeIssuer } from "../issuer.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";
import { byAxes, cellName, cellsOf } from "./cells.ts";
import { check } from "./check.ts";
import { type Gateway, gatewaysOf, PLAIN } from "./gateways.ts";
import { type ChainTable, measureCell, type Running } from "./measure.ts";
import { peerGateways } from "./peer-gateways.ts";
import { type StartRow, startTimes } from "./start-time.ts";

export interface ChainResult {
  starts: StartRow[];
  tables: ChainTable[];
  /** Gateways that are not measured, and why. */
  excluded: { gateway: string; reason: string }[];
}

export interface ChainOptions {
  rounds: number;
  /** Every cell. */
  full: boolean;
  /** Cells whose name has this text; starts are measured where "start" has it. */
  only: string;
  /** What an earlier run measured, to be left as it is. */
  known?: ChainResult | undefined;
  /** Called whenever there is something new. */
  onProgress?: (result: ChainResult) => Promise<void>;
}

/** Measures the whole chain of authentication, limit, conversion and log, ours beside its peers. */
export async function chain(envoy: EnvoySource, options: ChainOptions): Promise<ChainResult> {
  const { rounds, full, only, known, onProgress } = options;
  const result: ChainResult = known ?? { starts: [], tables: [], excluded: [] };
  const measured = new Set(result.tables.map(({ cell }) => cellName(cell)));
  const cells = cellsOf(full).filter(
    (cell) => cellName(cell).includes(only) && !measured.has(cellName(cell)),
  );
  const wantsStarts = result.starts.length === 0 && "start".includes(only);
  const folder = await mkdtemp(join(tmpdir(), "modelgate-bench-"));
  const backend = await startBackend();
  backend.plainReply = Buffer.from("ok");
  process.setMaxListeners(0);
  try {
    const issuer = makeIssuer();
    const peers = await peerGateways(envoy, issuer, folder);
    for (const { gateway, reason } of peers.excluded) exclude(result.excluded, gateway, reason);
    const all = [...gatewaysOf(envoy, issuer, folder), ...peers.gateways];
    for (const workers of [1, 2] as const) {
      const own = cells.filter((cell) => cell.workers === workers);
      if (own.length === 0 && !(wantsStarts && workers === 1)) continue;
      const running = await startAll(all, workers, backend, result);
      try {
        if (wantsStarts && workers === 1) {
          console.error("  start times");
          const gateways = running.map(({ gateway }) => gateway);
          result.starts = await startTimes(gateways, backend.port, rounds);
        }
        for (const cell of own) {
          console.error(`  ${cellName(cell)}`);
          result.tables.push(await measureCell(cell, running, backend, rounds, folder));
          result.tables.sort((a, b) => byAxes(a.cell, b.cell));
          await onProgress?.(result);
        }
      } finally {
        await Promise.all(running.map(({ process }) => process.stop()));
      }
    }
    return result;
  } finally {
    backend.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Those that do the whole chain; why another one does not goes into the result. */
async function startAll(
  gateways: Gateway[],
  workers: number,
  backend: Backend,
  { excluded }: ChainResult,
): Promise<Running[]> {
  const running: Running[] = [];
  for (const gateway of gateways) {
    let process: RunningGateway | undefined;
    try {
      process = await gateway.start({ workers, modelPort: backend.port });
      await check(gateway, process.port, backend);
      running.push({ gateway, process, warm: new Set() });
    } catch (error) {
      await process?.stop();
      if (gateway.name === PLAIN) throw error;
      exclude(excluded, gateway.name, (error as Error).message);
    }
  }
  return running;
}

function exclude(excluded: ChainResult["excluded"], gateway: string, reason: string): void {
  console.error(`  without ${gateway}: ${reason}`);
  if (!excluded.some((each) => each.gateway === gateway)) excluded.push({ gateway, reason });
}
