import { sampledTraceparent, TRACEPARENT } from "./trace-threshold.ts";

/** Which requests get a line; see `logFilter`. */
export interface Sample {
  /** Part of the requests, 0 to 1. */
  ratio: number;
  /** Requests that take at least this long get a line always. */
  slowerThanMs?: number | undefined;
}

const MILLION = 1_000_000;
const RUNTIME_KEY = "modelgate.log.sample";

/**
 * Envoy's filter of access log lines: all errors (status 400 and more, any response flag, a gRPC status but
 * OK), all slow requests, and of the rest a part that the trace id decides, without one the request id, so
 * that each hop picks the same. filters/access-log/sampling.ts follows the same rule.
 */
export function logFilter({ ratio, slowerThanMs }: Sample): object {
  const sampled = sampledTraceparent(ratio);
  return {
    or_filter: {
      filters: [
        ...(sampled === undefined ? [] : [both(traceparent(sampled), traceparent(TRACEPARENT))]),
        both(
          { runtime_filter: { runtime_key: RUNTIME_KEY, percent_sampled: millionths(ratio) } },
          traceparent(TRACEPARENT, { invert_match: true, treat_missing_header_as_empty: true }),
        ),
        { status_code_filter: { comparison: atLeast("error", 400) } },
        { response_flag_filter: {} },
        both(header("content-type", { string_match: { prefix: "application/grpc" } }), {
          grpc_status_filter: { statuses: ["OK"], exclude: true },
        }),
        ...(slowerThanMs === undefined
          ? []
          : [{ duration_filter: { comparison: atLeast("slow", slowerThanMs) } }]),
      ],
    },
  };
}

/** The cheaper one first: where it says no, the other one is not asked. */
function both(first: object, second: object): object {
  return { and_filter: { filters: [first, second] } };
}

function traceparent(regex: string, match: object = {}): object {
  return header("traceparent", { string_match: { safe_regex: { regex } }, ...match });
}

function header(name: string, match: object): object {
  return { header_filter: { header: { name, ...match } } };
}

function millionths(ratio: number): object {
  return { numerator: Math.round(ratio * MILLION), denominator: "MILLION" };
}

function atLeast(what: string, value: number): object {
  return { op: "GE", value: { default_value: value, runtime_key: `modelgate.log.${what}` } };
}
