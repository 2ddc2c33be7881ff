import { Config } from "../../filters/sdk/pipeline/config";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { Stage } from "../../filters/sdk/pipeline/stage";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-headers";

/** Does nothing: what a filter costs before it does any work. */
class NoOp extends Stage {
  get key(): string {
    return "noOp";
  }

  configure(_config: Config): void {}
}

defineModule(() => [new NoOp()], true);
