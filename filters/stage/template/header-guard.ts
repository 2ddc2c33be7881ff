import {
  Bytes,
  bytes,
  Config,
  GrpcCode,
  HeadersAction,
  HttpContext,
  HttpStatus,
  LocalReply,
  RESPONSE_HEADERS,
  Slice,
  Stage,
  setHeader,
} from "modelgate/stage";

const REFUSED = new LocalReply(
  HttpStatus.FORBIDDEN,
  GrpcCode.PERMISSION_DENIED,
  "header_refused",
  "a header of this request is refused here",
);
const GUARDED_BY = bytes("x-guarded-by");

/** Refuses requests that have a header, and names itself in the responses to all others. */
export class HeaderGuard extends Stage {
  private header: Bytes = bytes("");
  private name: Bytes = bytes("");
  private readonly value: Slice = new Slice();

  /** The field of the plug-in configuration that is this stage's. */
  get key(): string {
    return "headerGuard";
  }

  configure(config: Config): void {
    this.header = bytes(config.headerName("header"));
    this.name = bytes(config.text("name"));
  }

  onRequestHeaders(http: HttpContext, _endOfStream: bool): HeadersAction {
    if (http.headers.find(this.header, this.value) == 0) return HeadersAction.CONTINUE;
    http.refuse(REFUSED);
    return HeadersAction.STOP;
  }

  onResponseHeaders(_http: HttpContext, _endOfStream: bool): HeadersAction {
    setHeader(RESPONSE_HEADERS, GUARDED_BY, this.name.ptr, this.name.len);
    return HeadersAction.CONTINUE;
  }
}
