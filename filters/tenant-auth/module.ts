import { defineModule } from "../sdk/contexts";
import { TenantAuth } from "./tenant-auth";

export * from "../sdk/exports/base";
export * from "../sdk/exports/request-body";
export * from "../sdk/exports/request-headers";

defineModule(() => [new TenantAuth()], true);
