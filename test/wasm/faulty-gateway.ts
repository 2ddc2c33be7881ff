import { AccessLog } from "../../filters/access-log/access-log";
import { ProtocolConversion } from "../../filters/protocol-conversion/protocol-conversion";
import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { resetArena } from "../../filters/sdk/host/arena";
import { defineModule, httpContextOf, pluginOfStream } from "../../filters/sdk/pipeline/contexts";
import { TenantAuth } from "../../filters/tenant-auth/tenant-auth";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/log";
export * from "../../filters/sdk/pipeline/exports/request-body";
export * from "../../filters/sdk/pipeline/exports/response";

/** What the gateway's filter does with a request's headers, for modules that do something bad before it. */
export function onRequestHeaders(id: u32, endOfStream: u32): i32 {
  resetArena();
  const http = httpContextOf(id);
  return pluginOfStream(http).onRequestHeaders(http, endOfStream != 0);
}

defineModule(() => [new TenantAuth(), new RateLimit(), new ProtocolConversion(), new AccessLog()], false);
