import { defineModule } from "../sdk/pipeline/contexts";
import { RateLimit } from "./rate-limit";

export * from "../sdk/pipeline/exports/base";
export * from "../sdk/pipeline/exports/request-headers";

defineModule(() => [new RateLimit()], true);
