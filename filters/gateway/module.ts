import { AccessLog } from "../access-log/access-log";
import { ProtocolConversion } from "../protocol-conversion/protocol-conversion";
import { RateLimit } from "../rate-limit/rate-limit";
import { defineModule } from "../sdk/contexts";
import { TenantAuth } from "../tenant-auth/tenant-auth";

export * from "../sdk/exports/base";
export * from "../sdk/exports/log";
export * from "../sdk/exports/request-body";
export * from "../sdk/exports/request-headers";
export * from "../sdk/exports/response";

defineModule(() => [new TenantAuth(), new RateLimit(), new ProtocolConversion(), new AccessLog()], false);
