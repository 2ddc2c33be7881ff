import { stat } from "node:fs/promises";
import { freePort } from "../../support/free-port.ts";
import { within } from "../../support/until.ts";
import type { Gateway } from "./gateways.ts";
import { requestOf, tensorFor } from "./requests.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface StartRow {
  gateway: string;
  /** From the start of its process to the first request that it answers with 200. */
  milliseconds: Spread;
  /** Of its WebAssembly modules. */
  moduleBytes: number;
}

const DEADLINE_MS = 60_000;
const POLL_MS = 2;

/** Starts each gateway anew so many times, in turn. */
export async function startTimes(
  gateways: Gateway[],
  modelPort: number,
  rounds: number,
): Promise<StartRow[]> {
  const samples = gateways.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, gateway] of gateways.entries()) samples[i]?.push(await startTime(gateway, modelPort));
  }
  const rows: StartRow[] = [];
  for (const [i, { name, modules }] of gateways.entries()) {
    const sizes = await Promise.all(modules.map(async (path) => (await stat(path)).size));
    const moduleBytes = sizes.reduce((sum, size) => sum + size, 0);
    rows.push({ gateway: name, milliseconds: spreadOf(samples[i] ?? []), moduleBytes });
  }
  return rows;
}

async function startTime(gateway: Gateway, modelPort: number): Promise<number> {
  let port = await freePort();
  const started = performance.now();
  const starting = gateway.start({ workers: 1, modelPort, port }).then((running) => {
    port = running.port;
    return running;
  });
  const { path, headers } = requestOf("GET", tensorFor("GET", 0), gateway.dialect);
  const isServed = async () => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { ...headers, ...gateway.credential, connection: "close" },
    }).catch(() => undefined);
    await response?.arrayBuffer();
    return response?.status === 200;
  };
  await within(isServed, { withinMs: DEADLINE_MS, everyMs: POLL_MS });
  const milliseconds = performance.now() - started;
  await (await starting).stop();
  if (milliseconds > DEADLINE_MS) throw new Error(`${gateway.name} did not answer in time after its start`);
  return milliseconds;
}
