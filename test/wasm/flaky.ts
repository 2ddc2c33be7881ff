import { AccessLog } from "../../filters/access-log/access-log";
import { ProtocolConversion } from "../../filters/protocol-conversion/protocol-conversion";
import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { resetArena } from "../../filters/sdk/arena";
import { defineModule, httpContextOf } from "../../filters/sdk/contexts";
import { TenantAuth } from "../../filters/tenant-auth/tenant-auth";

export * from "../../filters/sdk/exports/base";
export * from "../../filters/sdk/exports/log";
export * from "../../filters/sdk/exports/request-body";
export * from "../../filters/sdk/exports/response";

const TRAP_EVERY = 100;
let requests = 0;

/** The gateway's filter, but it traps on one request in a hundred. */
export function proxy_on_request_headers(id: u32, count: u32, endOfStream: u32): i32 {
  if (++requests % TRAP_EVERY == 0) unreachable();
  resetArena();
  const http = httpContextOf(id);
  return http.plugin.onRequestHeaders(http, endOfStream != 0);
}

defineModule(() => [new TenantAuth(), new RateLimit(), new ProtocolConversion(), new AccessLog()], false);
