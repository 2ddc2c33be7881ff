import { RateLimit } from "../../filters/rate-limit/rate-limit";
import { Action, CONTINUE } from "../../filters/sdk/abi";
import { bytes } from "../../filters/sdk/bytes";
import { Config } from "../../filters/sdk/config";
import { defineModule } from "../../filters/sdk/contexts";
import { Slice } from "../../filters/sdk/headers";
import { HttpContext } from "../../filters/sdk/http-context";
import { Stage } from "../../filters/sdk/stage";

export * from "../../filters/sdk/exports/base";
export * from "../../filters/sdk/exports/request-headers";

const X_TRAP = bytes("x-trap");
const value = new Slice();

/** Traps on a request with the header `x-trap`: the host makes the VM anew. */
class Trap extends Stage {
  get key(): string {
    return "trap";
  }

  configure(config: Config): void {}

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    if (http.headers.find(X_TRAP, value) > 0) unreachable();
    return CONTINUE;
  }
}

defineModule(() => [new Trap(), new RateLimit()], true);
