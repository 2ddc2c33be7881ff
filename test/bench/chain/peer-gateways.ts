import { join } from "node:path";
import { wasmFilter } from "../../../tools/lib/envoy/bootstrap.ts";
import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";
import type { Issuer } from "../issuer.ts";
import { armeriaGateway, startArmeriaGateway } from "../peers/armeria-gateway.ts";
import { type ChainConfig, chainLog } from "../peers/chain-config.ts";
import { goChain } from "../peers/go-chain.ts";
import { rustChain } from "../peers/rust-chain.ts";
import { envoyGateway } from "./envoy-gateway.ts";
import { ALL_CALLS, type Gateway, LIMITS, tokensOf } from "./gateways.ts";

export const RUST = "Rust filter, serde_json";
export const GO = "Go filter, encoding/json";
export const JVM = "JVM gateway, Armeria";

/** Filters and gateways that others would write for the same, and why one of them could not be built here. */
export async function peerGateways(envoy: EnvoySource, issuer: Issuer, folder: string) {
  const { issuer: name, audiences, jwks } = issuer;
  const config: ChainConfig = { issuer: name, audiences, jwks, tasks: LIMITS, log: true };
  const common = { ...tokensOf(issuer), calls: ALL_CALLS };
  const wasm = (gateway: string, log: string) => (path: string) =>
    envoyGateway(envoy, {
      ...{ ...common, name: gateway, modules: [path], buffers: true },
      filters: [wasmFilter("chain", path, config)],
      log: { format: chainLog, file: join(folder, log) },
    });
  const jvm = (path: string): Gateway => {
    const logFile = join(folder, "jvm.log");
    return {
      ...{ ...common, name: JVM, dialect: "protobuf, REST path", logFile, modules: [], warmsUp: true },
      start: ({ modelPort }) => startArmeriaGateway(path, modelPort, { chain: { ...config, logFile } }),
    };
  };
  const peers = [
    { name: RUST, build: rustChain, gateway: wasm(RUST, "rust.log") },
    { name: GO, build: goChain, gateway: wasm(GO, "go.log") },
    { name: JVM, build: armeriaGateway, gateway: jvm },
  ];
  const gateways: Gateway[] = [];
  const excluded: { gateway: string; reason: string }[] = [];
  for (const { name, build, gateway } of peers) {
    const built = await build();
    if ("path" in built) gateways.push(gateway(built.path));
    else excluded.push({ gateway: name, reason: built.missing });
  }
  return { gateways, excluded };
}
