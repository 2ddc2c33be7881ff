import { jsonAccessLog } from "../native.ts";

/** What the peers of the whole chain are told: plug-in configuration of the filters, argument of the gateway on the JVM. */
export interface ChainConfig {
  /** Of the tokens, JWTs signed with RS256 that come as `authorization: Bearer`. */
  issuer: string;
  audiences: string[];
  jwks: { keys: object[] };
  /** The only ones there are, by the header `taskid`; each has a second's tokens at most. */
  tasks: { taskid: string; requestsPerSecond: number }[];
  /** Default: false. */
  log?: boolean;
  /** Tokens that a worker remembers as verified; 0: none. Default: 1000. */
  tokenCache?: number;
}

/**
 * Envoy's file access log beside a chain filter in Rust or Go: a JSON object a line. The filter sets filter state
 * `wasm.chain` to `admitted` and the token's subject, or to `refused` and the reason.
 */
export function chainLog(path: string): object {
  return jsonAccessLog(path, { decision: "%FILTER_STATE(wasm.chain:PLAIN)%" });
}
