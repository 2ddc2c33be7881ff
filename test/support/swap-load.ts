import type { ConverterGateway } from "./converter.ts";
import { offer, type Statuses } from "./load.ts";
import { pace } from "./pace.ts";

export interface SwapLoad {
  taskid: string;
  body: string;
  /** Modules to take in turn: the change, then the roll back. */
  modules: [string, string];
  requestsPerSecond: number;
  seconds: number;
  /** Time between two swaps. */
  everyMs: number;
}

/** Swaps a converter to and fro while requests run. @returns what came back, and how often it was swapped */
export async function swapUnderLoad(
  gateway: ConverterGateway,
  { taskid, body, modules, requestsPerSecond, seconds, everyMs }: SwapLoad,
): Promise<{ statuses: Statuses; swaps: number }> {
  let running = true;
  let swaps = 0;
  const swapping = (async () => {
    while (running) {
      await pace(everyMs);
      await gateway.swap(taskid, modules[++swaps % 2] as string);
    }
  })();
  const statuses = await offer({
    port: gateway.envoy.port,
    headers: { taskid },
    body,
    connections: 8,
    requestsPerSecond,
    seconds,
  });
  running = false;
  await swapping;
  return { statuses, swaps };
}
