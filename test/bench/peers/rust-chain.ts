import type { Peer } from "./cache.ts";
import { rustModule } from "./rust-module.ts";

/** The whole chain; its plug-in configuration is a `ChainConfig`. */
export function rustChain(): Promise<Peer> {
  return rustModule("rust-chain", ["chain"]);
}
