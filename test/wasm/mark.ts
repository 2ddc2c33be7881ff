import { bytes } from "../../filters/sdk/bytes/bytes";
import { REQUEST_HEADERS } from "../../filters/sdk/host/abi";
import { HeadersAction } from "../../filters/sdk/host/actions";
import { callForeign } from "../../filters/sdk/host/foreign-function";
import { setHeader } from "../../filters/sdk/host/headers";
import { setFilterState } from "../../filters/sdk/host/properties";
import { Config } from "../../filters/sdk/pipeline/config";
import { defineModule } from "../../filters/sdk/pipeline/contexts";
import { HttpContext } from "../../filters/sdk/pipeline/http-context";
import { Stage } from "../../filters/sdk/pipeline/stage";

export * from "../../filters/sdk/pipeline/exports/base";
export * from "../../filters/sdk/pipeline/exports/request-headers";

const STATE = bytes("modelgate.passed");
const HEADER = bytes("x-modelgate-passed");
const YES = bytes("1");
const CLEAR_ROUTE_CACHE = bytes("clear_route_cache");

/** Marks each request as passed, in the way that its configuration names: what the mark costs. */
class Mark extends Stage {
  private state: bool = false;
  private header: bool = false;
  private clears: bool = false;

  get key(): string {
    return "mark";
  }

  configure(config: Config): void {
    this.state = config.flag("state", false);
    this.header = config.flag("header", false);
    this.clears = config.flag("clearRouteCache", false);
  }

  onRequestHeaders(_http: HttpContext, _endOfStream: bool): HeadersAction {
    if (this.state) setFilterState(STATE, YES.ptr, YES.len);
    if (this.header) setHeader(REQUEST_HEADERS, HEADER, YES.ptr, YES.len);
    if (this.clears) callForeign(CLEAR_ROUTE_CACHE, 0, 0);
    return HeadersAction.CONTINUE;
  }
}

defineModule(() => [new Mark()], true);
