import { bytes } from "../../filters/sdk/bytes/bytes";
import { Slice } from "../../filters/sdk/bytes/slice";
import { HeadersAction } from "../../filters/sdk/host/actions";
import { Config } from "../../filters/sdk/pipeline/config";
import { HttpContext } from "../../filters/sdk/pipeline/http-context";
import { Stage } from "../../filters/sdk/pipeline/stage";

const X_TRAP = bytes("x-trap");
const value = new Slice();

/** Traps on a request with the header `x-trap`, for the tests of what happens then. */
export class Trap extends Stage {
  get key(): string {
    return "trap";
  }

  configure(_config: Config): void {}

  onRequestHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    if (http.headers.find(X_TRAP, value) > 0) this.springTheTrap();
    return HeadersAction.CONTINUE;
  }

  springTheTrap(): void {
    unreachable();
  }
}
