import { type BootstrapOptions, bootstrap } from "../../tools/lib/envoy/bootstrap.ts";

/** What a gateway in a cluster may have, and a local Envoy has not. */
export interface TestBootstrapOptions extends BootstrapOptions {
  /** Request headers that no route hands on. */
  removedHeaders?: string[];
  /** The only stats to keep. Default: all. */
  keptStats?: { inclusionPrefixes: string[]; inclusionSuffixes: string[] };
}

interface Made {
  static_resources: {
    listeners: { filter_chains: { filters: { typed_config: { route_config?: object } }[] }[] }[];
  };
}

/** The bootstrap of a local Envoy, with what only tests and measurements ask of one. */
export function testBootstrap({ removedHeaders, keptStats, ...options }: TestBootstrapOptions): object {
  const made = bootstrap(options) as Made;
  if (removedHeaders !== undefined)
    for (const { filter_chains } of made.static_resources.listeners)
      for (const { filters } of filter_chains)
        for (const { typed_config } of filters)
          if (typed_config.route_config)
            Object.assign(typed_config.route_config, { request_headers_to_remove: removedHeaders });
  return keptStats === undefined
    ? made
    : { ...made, stats_config: { stats_matcher: statsMatcher(keptStats) } };
}

function statsMatcher(kept: NonNullable<TestBootstrapOptions["keptStats"]>): object {
  const patterns = [
    ...kept.inclusionPrefixes.map((prefix) => ({ prefix })),
    ...kept.inclusionSuffixes.map((suffix) => ({ suffix })),
  ];
  return { inclusion_list: { patterns } };
}
