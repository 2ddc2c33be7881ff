import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { startEnvoy } from "../../tools/lib/envoy/process.ts";
import { protobufRequest, restRequest, type Tensor } from "../bench/conversion/cases.ts";
import { armeriaGateway, startArmeriaGateway } from "../bench/peers/armeria-gateway.ts";
import type { Peer } from "../bench/peers/cache.ts";
import { type ChainConfig, chainLog } from "../bench/peers/chain-config.ts";
import { goChain } from "../bench/peers/go-chain.ts";
import { rustChain } from "../bench/peers/rust-chain.ts";

/** A peer of the whole chain, running in front of a model server. */
export interface RunningChain {
  port: number;
  stop(): Promise<void>;
}

export interface ChainPeer {
  name: string;
  build(): Promise<Peer>;
  start(path: string, config: ChainConfig, modelPort: number, logFile: string): Promise<RunningChain>;
  request(tensor: Tensor): string;
  /** A path without a body that is behind the chain. */
  emptyPath: string;
}

export const CHAIN_PEERS: ChainPeer[] = [
  inEnvoy("Rust filter", rustChain),
  inEnvoy("Go filter", goChain),
  {
    name: "JVM gateway",
    build: armeriaGateway,
    start: (path, config, modelPort, logFile) =>
      startArmeriaGateway(path, modelPort, { chain: { ...config, log: true, logFile } }),
    request: protobufRequest,
    emptyPath: "/ready",
  },
];

function inEnvoy(name: string, build: () => Promise<Peer>): ChainPeer {
  return {
    name,
    build,
    async start(path, config, port, logFile) {
      return startEnvoy({
        envoy: await findEnvoy(),
        concurrency: 2,
        // Go's module takes a while to compile.
        bootstrap: bootstrap({
          tasks: config.tasks.map(({ taskid }) => ({ taskid, port })),
          accessLogs: [chainLog(logFile)],
          filters: [wasmFilter("chain", path, { ...config, log: true })],
        }),
      });
    },
    request: restRequest,
    emptyPath: "/",
  };
}
