import { hexDigit } from "../sdk/bytes/bytes";
import { REQUEST_ID, TRACEPARENT } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { getNumber } from "../sdk/host/properties";
import { randomId } from "../sdk/host/random-id";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { durationMilliseconds, RESPONSE_CODE, RESPONSE_FLAGS, RESPONSE_GRPC_STATUS } from "./envoy-values";
import { hasRandomBits, RANDOM_BITS } from "./trace-id";

const MILLION: f64 = 1_000_000;
/** Hexadecimal digits of an id that decide; of Envoy's UUID request ids, the first ones. */
const DIGITS: i32 = 8;
const FIRST_ERROR: i64 = 400;

const value: Slice = new Slice();

/**
 * Which requests get a line: all errors, all slow ones, and of the rest a part that the trace id decides,
 * without one the request id, so that each hop picks the same. The rule is the one that
 * tools/lib/envoy/log-filter.ts gives Envoy's own logger. For trace ids it is OpenTelemetry's consistent
 * probability sampling (tools/lib/envoy/trace-threshold.ts), for request ids Envoy's `runtime_filter`.
 */
export class Sampling {
  /** Requests in a million. */
  private kept: u32 = <u32>MILLION;
  /** The first 32 of the 56 random bits of the trace ids that are kept are at least this. */
  private threshold: u64 = 0;
  private slowMs: u64 = u64.MAX_VALUE;
  private state: u64 = randomId() | 1;

  /** Reads the field `sample`. */
  read(config: Config): void {
    const ratio = config.number("ratio", 1, 0);
    if (ratio > 1) config.fault("ratio", "must be at most 1");
    this.kept = <u32>Math.round(min<f64>(ratio, 1) * MILLION);
    this.threshold = <u64>Math.round((1 - min<f64>(ratio, 1)) * 0x1_0000_0000);
    if (config.has("slowerThanMilliseconds")) {
      this.slowMs = <u64>config.number("slowerThanMilliseconds", 0, 0);
    }
    config.finish();
  }

  /** Does the stream, which is over, get a line? */
  keeps(http: HttpContext): bool {
    if (this.threshold == 0 || this.picks(http)) return true;
    if (http.reason != null || getNumber(RESPONSE_CODE) >= FIRST_ERROR) return true;
    if (getNumber(RESPONSE_FLAGS) != 0) return true;
    if (http.grpc && getNumber(RESPONSE_GRPC_STATUS) != 0) return true;
    return this.slowMs != u64.MAX_VALUE && durationMilliseconds() >= this.slowMs;
  }

  private picks(http: HttpContext): bool {
    http.headers.find(TRACEPARENT, value);
    if (hasRandomBits(value)) return <u64>number(value.ptr + RANDOM_BITS) >= this.threshold;
    http.headers.find(REQUEST_ID, value);
    return <u32>(isNumber(value) ? number(value.ptr) : this.random()) % <u32>MILLION < this.kept;
  }

  /** xorshift64* (Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled"). */
  private random(): u32 {
    let state = this.state;
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    this.state = state;
    return <u32>((state * 0x2545f4914f6cdd1d) >> 32);
  }
}

/** Do hexadecimal digits for `number` begin the value? */
function isNumber(value: Slice): bool {
  if (value.len < DIGITS) return false;
  for (let i: i32 = 0; i < DIGITS; i++) if (hexDigit(load<u8>(value.ptr + i)) < 0) return false;
  return true;
}

/** The number that the hexadecimal digits at `ptr` are. */
function number(ptr: usize): u32 {
  let number: u32 = 0;
  for (let i: i32 = 0; i < DIGITS; i++) number = (number << 4) | <u32>hexDigit(load<u8>(ptr + i));
  return number;
}
