import { z } from "zod";
import { DEFAULT_PROTECTION, type Protection } from "../lib/envoy/protection.ts";
import { duration, durationMilliseconds, positiveDuration } from "./fields.ts";

const MOST = 2_147_483_647;
const MAX_HEADERS_KIB = 8192;

/** What one client may take of a gateway pod's connections, streams and memory. */
export const gatewayProtection = z.strictObject({
  requestTimeout: duration()
    .default("5m")
    .describe(
      "Time for a request to come whole; 408 beyond. gRPC calls whose callers stream for longer need more; 0s turns it off. Default: 5m.",
    ),
  streamIdleTimeout: duration()
    .default("5m")
    .describe(
      "A request ends when neither side has sent anything for this time; at least the longest `timeout` and `stream.idleTimeout` of the tenant's tasks. 0s turns it off. Default: 5m.",
    ),
  headersTimeout: positiveDuration()
    .default("10s")
    .describe("Time for a request's headers to come. Default: 10s."),
  connectionIdleTimeout: positiveDuration()
    .default("1h")
    .describe("A connection without requests ends after this time. Default: 1h."),
  maxConcurrentStreams: z
    .int()
    .min(1)
    .max(MOST)
    .default(DEFAULT_PROTECTION.maxConcurrentStreams)
    .describe("Requests at once on an HTTP/2 connection. Default: 100."),
  maxHeaders: z
    .int()
    .min(1)
    .max(10_000)
    .default(DEFAULT_PROTECTION.maxHeaders)
    .describe("Headers of a request. Default: 100."),
  maxHeadersKib: z
    .int()
    .min(1)
    .max(MAX_HEADERS_KIB)
    .default(DEFAULT_PROTECTION.maxHeadersKib)
    .describe("Size of a request's headers, in KiB. Default: 60."),
  maxConnections: z
    .int()
    .min(1)
    .max(MOST)
    .default(DEFAULT_PROTECTION.maxConnections)
    .describe("Connections of a gateway pod. Default: 10000."),
  heapPercent: z
    .int()
    .min(10)
    .max(100)
    .default(75)
    .describe(
      "Part of a pod's memory limit that Envoy's heap may fill, in percent: near it the requests that buffer most end, then new ones get 503. The filters' memory is not in it. Only with `deployment`. Default: 75.",
    ),
});

/** @param longestMs longest timeout of a request: silence while a model works is no idleness */
export function protectionOf(fields: z.output<typeof gatewayProtection>, longestMs: number): Protection {
  const idleMs = durationMilliseconds(fields.streamIdleTimeout);
  return {
    requestTimeoutMs: durationMilliseconds(fields.requestTimeout),
    streamIdleTimeoutMs: idleMs === 0 ? 0 : Math.max(idleMs, longestMs),
    headersTimeoutMs: durationMilliseconds(fields.headersTimeout),
    connectionIdleTimeoutMs: durationMilliseconds(fields.connectionIdleTimeout),
    maxConcurrentStreams: fields.maxConcurrentStreams,
    maxHeaders: fields.maxHeaders,
    maxHeadersKib: fields.maxHeadersKib,
    maxConnections: fields.maxConnections,
  };
}
