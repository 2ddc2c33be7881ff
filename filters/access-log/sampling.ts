import { hexDigit } from "../sdk/bytes";
import { Config } from "../sdk/config";
import { Slice } from "../sdk/headers";
import { HttpContext } from "../sdk/http-context";
import { getNumber } from "../sdk/properties";
import { randomId } from "../sdk/random-id";
import { durationMilliseconds, RESPONSE_CODE, RESPONSE_FLAGS, RESPONSE_GRPC_STATUS } from "./envoy-values";

const MILLION: f64 = 1_000_000;
/** Hexadecimal digits of the request id that decide, as in Envoy's UUID request ids. */
const DIGITS: i32 = 8;
const FIRST_ERROR: i64 = 400;

/**
 * Which requests get a line: all errors, all slow ones, and of the rest a part that the request id decides, so that each hop picks the
 * same. The rule is the one that tools/envoy/log-filter.ts gives Envoy's own logger (its `runtime_filter` by request id).
 */
export class Sampling {
  /** Requests in a million. */
  private kept: u32 = <u32>MILLION;
  private slowMilliseconds: u64 = u64.MAX_VALUE;
  private state: u64 = randomId() | 1;

  /** Reads the field `sample`. */
  read(config: Config): void {
    const ratio = config.number("ratio", 1, 0);
    if (ratio > 1) config.fault("ratio", "must be at most 1");
    this.kept = <u32>Math.round(min<f64>(ratio, 1) * MILLION);
    if (config.has("slowerThanMilliseconds")) {
      this.slowMilliseconds = <u64>config.number("slowerThanMilliseconds", 0, 0);
    }
    config.finish();
  }

  /** Does the stream, which is over, get a line? */
  keeps(http: HttpContext, requestId: Slice): bool {
    if (this.kept == <u32>MILLION || this.pick(requestId) % <u32>MILLION < this.kept) return true;
    if (http.reason != null || getNumber(RESPONSE_CODE) >= FIRST_ERROR) return true;
    if (getNumber(RESPONSE_FLAGS) != 0) return true;
    if (http.grpc && getNumber(RESPONSE_GRPC_STATUS) != 0) return true;
    return this.slowMilliseconds != u64.MAX_VALUE && durationMilliseconds() >= this.slowMilliseconds;
  }

  /** A number that the request id decides; without one, any. */
  private pick(requestId: Slice): u32 {
    let number: u32 = 0;
    for (let i: i32 = 0; i < DIGITS; i++) {
      const digit = i < requestId.len ? hexDigit(load<u8>(requestId.ptr + i)) : -1;
      if (digit < 0) return this.random();
      number = (number << 4) | <u32>digit;
    }
    return number;
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
