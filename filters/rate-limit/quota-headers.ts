import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { setHeader } from "../sdk/host/headers";
import { NamedLimit } from "./named-limit";
import { now } from "./now";
import { appendPolicies, appendRemaining, RATELIMIT, RATELIMIT_POLICY } from "./quota-text";
import { sharedLevels } from "./shared-bucket";
import { levelOf, WINDOWS, waitNanos } from "./token-bucket";

const NANOS_PER_SECOND: f64 = 1e9;

const policies: ByteBuffer = new ByteBuffer();
const remaining: ByteBuffer = new ByteBuffer();

/** Tells the caller of a request that passed what is left of its limits; null where there is none. */
export function setQuotaHeaders(
  tenant: NamedLimit | null,
  credential: NamedLimit | null,
  task: NamedLimit | null,
): void {
  policies.clear();
  remaining.clear();
  append(tenant);
  append(credential);
  append(task);
  if (policies.len == 0) return;
  setHeader(RESPONSE_HEADERS, RATELIMIT_POLICY, policies.ptr, policies.len);
  setHeader(RESPONSE_HEADERS, RATELIMIT, remaining.ptr, remaining.len);
}

/** Of its windows `RateLimit` tells the one with the least left, and when that is full again. */
function append(limit: NamedLimit | null): void {
  if (limit == null || !limit.active) return;
  const windows = limit.windows;
  const name = limit.reply.policy;
  const state = sharedLevels(limit.key, windows, now());
  let window = -1;
  let least: f64 = Infinity;
  for (let w = 0; w < WINDOWS; w++) {
    if (!windows.limited(w) || levelOf(state, w) >= least) continue;
    least = levelOf(state, w);
    window = w;
  }
  const wait = waitNanos(windows, window, windows.bursts[window] - least) / NANOS_PER_SECOND;
  appendPolicies(policies, name, windows);
  appendRemaining(remaining, name, window, least, isFinite(wait) ? <u64>Math.ceil(wait) : 0);
}
