import { type Load, run } from "../load.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";

const SHORTEST_MS = 6000;
const LONGEST_MS = 20_000;
const BATCH_MS = 1000;
/** A batch that is not faster than the fastest before it by more than this is as fast as they get. */
const STEADY = 0.05;

/**
 * Runs a load over one connection until it gets no faster: six seconds at least, twenty at most, in batches of about one
 * second. That is what HotSpot takes to compile what the load runs.
 */
export async function warmUp(gateway: RunningGateway, load: Omit<Load, "requests" | "connections">) {
  const start = performance.now();
  let fastest = Number.POSITIVE_INFINITY;
  let requests = 4;
  for (let steady = false; !steady; ) {
    const { requestsPerSecond } = await run(gateway, { ...load, requests, connections: 1 });
    const each = 1000 / requestsPerSecond;
    const passed = performance.now() - start;
    steady = (passed > SHORTEST_MS && each > fastest * (1 - STEADY)) || passed > LONGEST_MS;
    fastest = Math.min(fastest, each);
    requests = Math.max(4, Math.round(BATCH_MS / each));
  }
}
