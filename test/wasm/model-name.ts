/** The stage that reads which model a body names, without the gateway's own. */
import { ModelName } from "../../filters/model-name/model-name";
import { defineModule } from "../../filters/sdk/pipeline/contexts";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-body";
export * from "../../filters/sdk/pipeline/exports/request-headers";

defineModule(() => [new ModelName()], true);
