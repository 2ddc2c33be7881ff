import { AccessLog } from "../../filters/access-log/access-log";
import { ProtocolConversion } from "../../filters/protocol-conversion/protocol-conversion";
import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { TenantAuth } from "../../filters/tenant-auth/tenant-auth";
import { Trap } from "./trap-stage";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/log";
export * from "../../filters/sdk/pipeline/exports/request-body";
export * from "../../filters/sdk/pipeline/exports/request-headers";
export * from "../../filters/sdk/pipeline/exports/response";

defineModule(
  () => [new Trap(), new TenantAuth(), new RateLimit(), new ProtocolConversion(), new AccessLog()],
  false,
);
