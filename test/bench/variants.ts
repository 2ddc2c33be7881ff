import type { EnvoySource } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { type TestBootstrapOptions, testBootstrap } from "../support/bootstrap.ts";
import { type Load, type Measured, median, run } from "./load.ts";
import { runVaried, type VariedLoad } from "./raw-load.ts";

export interface Variant {
  name: string;
  envoy: TestBootstrapOptions;
  load: Load | VariedLoad;
  /** Bytes that Envoy may buffer, where a filter needs a whole body at once. */
  bufferBytes?: number;
  /** Takes the place of the routes: Envoy's `config.route.v3.VirtualHost` for all hosts. */
  virtualHost?: object;
  /** Default: 1. */
  workers?: number;
}

export interface Row {
  name: string;
  /** CPU microseconds of the Envoy process per request, median of the rounds. */
  cpuMicroseconds: number;
  /** The same less that of the last variant without filters before it, else of the first one, round by round. */
  added: number;
  requestsPerSecond: number;
}

/**
 * Measures variants side by side: all Envoys are up at once, and each round visits them in turn, so
 * that a noisy moment of the machine hits all alike. The first round only warms up.
 */
export async function measure(envoy: EnvoySource, variants: Variant[], rounds: number): Promise<Row[]> {
  const running: RunningEnvoy[] = [];
  process.setMaxListeners(process.getMaxListeners() + 2 * variants.length);
  try {
    for (const variant of variants) {
      const config = testBootstrap(variant.envoy) as BootstrapOf;
      if (variant.bufferBytes) {
        Object.assign(config.static_resources.listeners[0] as object, {
          per_connection_buffer_limit_bytes: variant.bufferBytes,
        });
      }
      if (variant.virtualHost) withVirtualHost(config, variant.virtualHost);
      running.push(await startEnvoy({ envoy, concurrency: variant.workers ?? 1, bootstrap: config }));
    }
    const samples: Measured[][] = variants.map(() => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [i, variant] of variants.entries()) {
        const each = running[i] as RunningEnvoy;
        const { load } = variant;
        const measured = "path" in load ? await run(each, load) : await runVaried(each, load);
        if (round > 0) samples[i]?.push(measured);
      }
      console.error(`  round ${round} of ${rounds}${round === 0 ? " (warm-up)" : ""}`);
    }
    let base = (samples[0] as Measured[]).map(({ cpuMicroseconds }) => cpuMicroseconds);
    return variants.map(({ name, envoy, virtualHost }, i) => {
      const own = samples[i] as Measured[];
      const cpus = own.map(({ cpuMicroseconds }) => cpuMicroseconds);
      if (envoy.filters.length === 0 && !virtualHost) base = cpus;
      return {
        name,
        cpuMicroseconds: median(cpus),
        added: median(cpus.map((cpu, round) => cpu - (base[round] as number))),
        requestsPerSecond: median(own.map(({ requestsPerSecond }) => requestsPerSecond)),
      };
    });
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

interface BootstrapOf {
  static_resources: { listeners: { filter_chains: { filters: { typed_config: object }[] }[] }[] };
}

function withVirtualHost(config: BootstrapOf, host: object): void {
  // Behind the limit of connections.
  const manager = config.static_resources.listeners[0]?.filter_chains[0]?.filters.at(-1)?.typed_config ?? {};
  const virtual_hosts = [{ ...host, name: "gateway", domains: ["*"] }];
  Object.assign(manager, { route_config: { validate_clusters: false, virtual_hosts } });
}
