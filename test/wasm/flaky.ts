import { onRequestHeaders } from "./faulty-gateway";

export * from "./faulty-gateway";

const TRAP_EVERY = 100;
let requests = 0;

/** The gateway's filter, but it traps on one request in a hundred. */
export function proxy_on_request_headers(id: u32, _count: u32, endOfStream: u32): i32 {
  if (++requests % TRAP_EVERY == 0) unreachable();
  return onRequestHeaders(id, endOfStream);
}
