import type { Peer } from "./cache.ts";
import { rustModule } from "./rust-module.ts";

/** The conversion alone, with serde_json. */
export function rustFilter(): Promise<Peer> {
  return rustModule("rust-conversion", []);
}
