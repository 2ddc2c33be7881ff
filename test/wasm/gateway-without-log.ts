import { ProtocolConversion } from "../../filters/protocol-conversion/protocol-conversion";
import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { TenantAuth } from "../../filters/tenant-auth/tenant-auth";

/** `gateway.wasm` but for its log stage: what a benchmark takes off to see what that stage adds. */

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-body";
export * from "../../filters/sdk/pipeline/exports/request-headers";
export * from "../../filters/sdk/pipeline/exports/response";

defineModule(() => [new TenantAuth(), new RateLimit(), new ProtocolConversion()], false);
