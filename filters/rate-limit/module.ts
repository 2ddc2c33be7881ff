import { defineModule } from "../sdk/pipeline/contexts";
import { RateLimit } from "./rate-limit";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/request-body";
export * from "../sdk/pipeline/exports/request-headers";
export * from "../sdk/pipeline/exports/response";

defineModule(() => [new RateLimit()], true);
