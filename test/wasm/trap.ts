import { defineModule } from "../../filters/sdk/contexts";
import { Trap } from "./trap-stage";

export * from "../../filters/sdk/exports/base";
export * from "../../filters/sdk/exports/request-headers";

defineModule(() => [new Trap()], true);
