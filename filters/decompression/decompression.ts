import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { CONTENT_ENCODING, CONTENT_LENGTH } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_BODY, REQUEST_HEADERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { bufferData, readBuffer, replaceBody } from "../sdk/host/body";
import { removeHeader } from "../sdk/host/headers";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Stage } from "../sdk/pipeline/stage";
import { Coding, EncodedBody, takeEncodedBody } from "./encoded-body";
import { Progress } from "./progress";
import { MALFORMED, TOO_LARGE } from "./replies";

const GZIP = bytes("gzip");
const X_GZIP = bytes("x-gzip");
const DEFLATE = bytes("deflate");

const DEFAULT_BYTES: f64 = 67_108_864;
const MOST_BYTES: f64 = 1_073_741_824;
const DEFAULT_RATIO: f64 = 100;
/** No deflated text becomes longer. */
const MOST_RATIO: f64 = 1032;

const value: Slice = new Slice();

/**
 * Request bodies in gzip or deflate become what they were (RFC 9110, section 8.4). It stands behind
 * tenant-auth, which so checks the digest of what was sent (RFC 9530, section 2), and lets nobody unknown
 * decompress anything.
 */
export class Decompression extends Stage {
  private enabled: bool = false;
  private maxBytes: i64 = 0;
  private maxRatio: i64 = 0;

  get key(): string {
    return "decompression";
  }

  get isRequired(): bool {
    return false;
  }

  configure(config: Config): void {
    const most = config.number("maxBytes", DEFAULT_BYTES, 1);
    const ratio = config.number("maxRatio", DEFAULT_RATIO, 1);
    if (most > MOST_BYTES) config.fault("maxBytes", "must be at most 1073741824");
    if (ratio > MOST_RATIO) config.fault("maxRatio", "must be at most 1032");
    this.enabled = true;
    this.maxBytes = <i64>most;
    this.maxRatio = <i64>ratio;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    if (!this.enabled || endOfStream || http.grpc) return HeadersAction.CONTINUE;
    const headers = http.headers;
    if (headers.find(CONTENT_ENCODING, value) != 1) return HeadersAction.CONTINUE;
    const coding = codingOf(value);
    if (coding == Coding.None) return HeadersAction.CONTINUE;
    const body = takeEncodedBody();
    body.start(coding, this.maxBytes, this.maxRatio);
    http.setState(this.slot, body);
    removeHeader(REQUEST_HEADERS, CONTENT_ENCODING);
    headers.forget(CONTENT_ENCODING);
    if (headers.find(CONTENT_LENGTH, value) > 0) removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);
    headers.forget(CONTENT_LENGTH);
    return HeadersAction.CONTINUE;
  }

  /** What a stage behind holds lies in front of the chunk, as it left it: `http.heldBytes`, at most one. */
  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const state = http.state(this.slot);
    if (state == null) return BodyAction.CONTINUE;
    const body = changetype<EncodedBody>(state);
    const held = http.heldBytes;
    const len = readBuffer(REQUEST_BODY, held, size - held);
    const progress = body.decode(bufferData(), len);
    if (progress == Progress.TooLarge) {
      http.refuse(TOO_LARGE);
      return BodyAction.STOP_NO_BUFFER;
    }
    if (progress == Progress.Malformed || (endOfStream && !body.isWhole)) {
      http.refuse(MALFORMED);
      return BodyAction.STOP_NO_BUFFER;
    }
    // Nobody reads the byte that is held: what stands before the text will do.
    replaceBody(REQUEST_BODY, body.ptr - held, body.length + held);
    http.chunkBytes = body.length + held;
    body.keepWindow();
    return BodyAction.CONTINUE;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    const state = http.state(this.slot);
    if (state == null || changetype<EncodedBody>(state).isWhole) return TrailersAction.CONTINUE;
    http.refuse(MALFORMED);
    return TrailersAction.STOP;
  }

  onDone(http: HttpContext): void {
    (<EncodedBody>http.state(this.slot)).release();
  }
}

function codingOf(name: Slice): Coding {
  if (is(name, GZIP) || is(name, X_GZIP)) return Coding.Gzip;
  return is(name, DEFLATE) ? Coding.Zlib : Coding.None;
}

function is(name: Slice, coding: Bytes): bool {
  return name.len == coding.len && startsWithIgnoreCase(name.ptr, name.len, coding);
}
