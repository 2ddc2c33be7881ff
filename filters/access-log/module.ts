import { defineModule } from "../sdk/contexts";
import { AccessLog } from "./access-log";

export * from "../sdk/exports/base";
export * from "../sdk/exports/log";
export * from "../sdk/exports/request-headers";

defineModule(() => [new AccessLog()], true);
