import { Config } from "../../filters/sdk/config";
import { defineModule } from "../../filters/sdk/contexts";
import { Stage } from "../../filters/sdk/stage";

export * from "../../filters/sdk/exports/base";
export * from "../../filters/sdk/exports/request-headers";

/** Does nothing: what a filter costs before it does any work. */
class NoOp extends Stage {
  get key(): string {
    return "noOp";
  }

  configure(config: Config): void {}
}

defineModule(() => [new NoOp()], true);
