import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { Trap } from "./trap-stage";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-headers";

defineModule(() => [new Trap(), new RateLimit()], true);
