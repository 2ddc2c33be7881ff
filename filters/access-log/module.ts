import { defineModule } from "../sdk/pipeline/contexts";
import { AccessLog } from "./access-log";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/log";
export * from "../sdk/pipeline/exports/request-headers";

defineModule(() => [new AccessLog()], true);
