/**
 * What keeps one client from taking an Envoy's connections, streams and memory from all others: Envoy's own
 * means, after its guide for edge proxies (configuration/best_practices/edge).
 */
export interface Protection {
  /** Milliseconds from a request's first byte to its last; 0: no limit. */
  requestTimeoutMs: number;
  /** Milliseconds that a stream may be silent in both directions; 0: no limit. */
  streamIdleTimeoutMs: number;
  /** Milliseconds for a request's headers to come. */
  headersTimeoutMs: number;
  /** Milliseconds that a connection may have no stream. */
  connectionIdleTimeoutMs: number;
  /** Streams at once on an HTTP/2 connection. */
  maxConcurrentStreams: number;
  maxHeaders: number;
  maxHeadersKib: number;
  /** Connections at once to a listener. */
  maxConnections: number;
}

export const DEFAULT_PROTECTION: Protection = {
  requestTimeoutMs: 300_000,
  streamIdleTimeoutMs: 300_000,
  headersTimeoutMs: 10_000,
  connectionIdleTimeoutMs: 3_600_000,
  maxConcurrentStreams: 100,
  maxHeaders: 100,
  maxHeadersKib: 60,
  maxConnections: 10_000,
};

/** Fields of an HttpConnectionManager, but for those of `http2Protection`. */
export function httpProtection(protection: Protection): object {
  return {
    request_timeout: seconds(protection.requestTimeoutMs),
    request_headers_timeout: seconds(protection.headersTimeoutMs),
    stream_idle_timeout: seconds(protection.streamIdleTimeoutMs),
    max_request_headers_kb: protection.maxHeadersKib,
    common_http_protocol_options: {
      idle_timeout: seconds(protection.connectionIdleTimeoutMs),
      max_headers_count: protection.maxHeaders,
    },
  };
}

/**
 * Envoy's runtime: a worker takes one new request of a connection at a time, and those of all others before
 * its next one. Without it a client that sends a hundred at once holds all others up meanwhile.
 */
export const PROTECTION_RUNTIME = { "http.max_requests_per_io_cycle": 1 };

/** Fields of Http2ProtocolOptions. */
export function http2Protection({ maxConcurrentStreams }: Protection): object {
  return { max_concurrent_streams: maxConcurrentStreams };
}

/** A network filter, to be the first of its chain. */
export function connectionLimit({ maxConnections }: Protection): object {
  return {
    name: "envoy.filters.network.connection_limit",
    typed_config: {
      "@type": "type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit",
      stat_prefix: "gateway",
      max_connections: maxConnections,
    },
  };
}

/** Parts of the heap from which an overloaded Envoy gives memory back, ends streams, and takes no more. */
const SHRINK = 0.85;
const RESET_FROM = 0.85;
const RESET_ALL = 0.95;
const REFUSE = 0.95;
/** Streams that buffer less than 2^20 bytes are never ended for the memory that they hold. */
const TRACKED_POWER_OF_TWO = 20;

/**
 * The bootstrap's overload manager: as the heap fills, the streams that buffer most end first, then new
 * requests get 503.
 * @param heapBytes what the process may use
 */
export function overloadManager(heapBytes: number): object {
  const trigger = (fields: object) => ({ name: "envoy.resource_monitors.fixed_heap", ...fields });
  return {
    refresh_interval: "0.25s",
    buffer_factory_config: { minimum_account_to_track_power_of_two: TRACKED_POWER_OF_TWO },
    resource_monitors: [
      {
        name: "envoy.resource_monitors.fixed_heap",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
          max_heap_size_bytes: String(Math.floor(heapBytes)),
        },
      },
    ],
    actions: [
      {
        name: "envoy.overload_actions.shrink_heap",
        triggers: [trigger({ threshold: { value: SHRINK } })],
      },
      {
        name: "envoy.overload_actions.reset_high_memory_stream",
        triggers: [trigger({ scaled: { scaling_threshold: RESET_FROM, saturation_threshold: RESET_ALL } })],
      },
      {
        name: "envoy.overload_actions.stop_accepting_requests",
        triggers: [trigger({ threshold: { value: REFUSE } })],
      },
    ],
  };
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`;
}
