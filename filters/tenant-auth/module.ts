import { defineModule } from "../sdk/pipeline/contexts";
import { TenantAuth } from "./tenant-auth";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/request-body";
export * from "../sdk/pipeline/exports/request-headers";
export * from "../sdk/pipeline/exports/response-headers";

defineModule(() => [new TenantAuth()], true);
