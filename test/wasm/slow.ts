import { monotonicNanos } from "../../filters/sdk/host/clock";
import { onRequestHeaders } from "./faulty-gateway";

export * from "./faulty-gateway";

const SLOW_EVERY = 20;
const SLOW_NANOS: u64 = 120_000_000;
let requests = 0;

/** The gateway's filter, but one request in twenty holds its worker up. */
export function proxy_on_request_headers(id: u32, _count: u32, endOfStream: u32): i32 {
  if (++requests % SLOW_EVERY == 0) {
    const until = monotonicNanos() + SLOW_NANOS;
    while (monotonicNanos() < until) {}
  }
  return onRequestHeaders(id, endOfStream);
}
