import { defineModule } from "../sdk/contexts";
import { RateLimit } from "./rate-limit";

export * from "../sdk/exports/base";
export * from "../sdk/exports/request-headers";

defineModule(() => [new RateLimit()], true);
