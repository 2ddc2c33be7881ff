import {
  Action,
  CONTINUE,
  REQUEST_BODY,
  REQUEST_HEADERS,
  RESPONSE_BODY,
  RESPONSE_HEADERS,
  RESPONSE_TRAILERS,
  STOP,
  STOP_NO_BUFFER,
} from "../sdk/abi";
import { appendBody, replaceBody } from "../sdk/body";
import { ByteBuffer } from "../sdk/byte-buffer";
import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes";
import { Config } from "../sdk/config";
import { getHeader, headerValue, removeHeader, Slice, setHeader } from "../sdk/headers";
import { HttpContext } from "../sdk/http-context";
import { appendJsonText } from "../sdk/json-text";
import { LocalReply } from "../sdk/local-reply";
import { Stage } from "../sdk/stage";
import { Conversion, takeConversion } from "./conversion";
import { httpStatusOf } from "./grpc-status";
import { parseInferPath } from "./infer-path";
import { PieceSink, TRUNCATED } from "./infer-request";
import { closeWindow, end, openWindow, start } from "./input-window";
import { slabBytes } from "./slabs";
import { TaskSet } from "./task-set";

const METHOD_POST = bytes("POST");
const PATH = bytes(":path");
const STATUS = bytes(":status");
const ORIGINAL_PATH = bytes("x-envoy-original-path");
const INFER_RPC = bytes("/inference.GRPCInferenceService/ModelInfer");
const CONTENT_TYPE = bytes("content-type");
const CONTENT_LENGTH = bytes("content-length");
const CONTENT_ENCODING = bytes("content-encoding");
const ACCEPT_ENCODING = bytes("accept-encoding");
const GRPC = bytes("application/grpc");
const JSON_TYPE = bytes("application/json");
const TE = bytes("te");
const TRAILERS = bytes("trailers");
const GRPC_STATUS = bytes("grpc-status");
const GRPC_ENCODING = bytes("grpc-encoding");
const GRPC_ACCEPT_ENCODING = bytes("grpc-accept-encoding");
const GRPC_MESSAGE = bytes("grpc-message");

const UNKNOWN_PATH = new LocalReply(
  404,
  5,
  "path_unknown",
  "the task has POST /v2/models/{model}/infer only",
);
const METHOD_NOT_ALLOWED = new LocalReply(405, 12, "method_not_allowed", "use POST").withHeader(
  "allow",
  "POST",
);
const ENCODED = new LocalReply(415, 3, "content_encoding", "send the body without content-encoding");
const BODY_MISSING = new LocalReply(400, 3, "json_malformed", "a JSON body is required");
const BODY_MALFORMED = new LocalReply(400, 3, "json_malformed", "");
const BODY_TOO_LARGE = new LocalReply(413, 8, "body_too_large", "the body is over the limit of the gateway");
const OVERLOADED = new LocalReply(503, 8, "memory_exhausted", "the gateway converts too many bodies at once");
const TRAILERS_REFUSED = new LocalReply(400, 3, "request_trailers", "send the body without trailers");
const MODEL_FAULT = new LocalReply(502, 13, "model_reply_malformed", "");
/** By gRPC status; each reason is the status's own number. */
const modelErrors: LocalReply[] = [];
for (let status: u32 = 0; status <= 16; status++) {
  modelErrors.push(new LocalReply(httpStatusOf(status), status, `model_error_${status.toString()}`, ""));
}

const AT_BYTE = bytes(" at byte ");
const ERROR_OPEN = bytes('{"error":"');
const ERROR_CLOSE = bytes('","reason":"upstream_error"}\n');
const GRPC_FRAME_HEADER: i32 = 5;

const DEFAULT_MAX_REQUEST_BYTES: f64 = 64 * 1024 * 1024;
const DEFAULT_MAX_MEMORY_BYTES: f64 = 512 * 1024 * 1024;

const model: Slice = new Slice();
const version: Slice = new Slice();
const scratch: ByteBuffer = new ByteBuffer();

/** Puts pieces into a body buffer: the first replaces what is there, the others follow. */
class BodySink extends PieceSink {
  bufferType: i32 = REQUEST_BODY;
  first: bool = true;

  begin(bufferType: i32): void {
    this.bufferType = bufferType;
    this.first = true;
  }

  piece(ptr: usize, len: i32): void {
    if (this.first) replaceBody(this.bufferType, ptr, len);
    else appendBody(this.bufferType, ptr, len);
    this.first = false;
  }
}
const sink: BodySink = new BodySink();

/** Open Inference Protocol: REST infer -> gRPC ModelInfer, and the reply back. gRPC callers pass untouched. */
export class ProtocolConversion extends Stage {
  private tasks: TaskSet = new TaskSet(0);
  private maxRequestBytes: i64 = 0;
  private maxMemoryBytes: i64 = 0;

  get key(): string {
    return "protocolConversion";
  }

  configure(config: Config): void {
    const tasks = config.objects("tasks");
    this.tasks = new TaskSet(tasks.length);
    for (let i = 0; i < tasks.length; i++) {
      this.tasks.add(bytes(tasks[i].text("taskid")));
      tasks[i].finish();
    }
    this.maxRequestBytes = <i64>config.number("maxRequestBytes", DEFAULT_MAX_REQUEST_BYTES, 1);
    this.maxMemoryBytes = <i64>config.number("maxMemoryBytes", DEFAULT_MAX_MEMORY_BYTES, 1);
  }

  private conversionOf(http: HttpContext): Conversion | null {
    const state = http.state(this.slot);
    return state == null ? null : changetype<Conversion>(state);
  }

  private refuse(http: HttpContext, reply: LocalReply, action: Action): Action {
    this.release(http);
    http.refuse(reply);
    return action;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    if (http.grpc || !this.tasks.has(http.taskid.ptr, http.taskid.len)) return CONTINUE;
    if (!parseInferPath(http.path, model, version)) return this.refuse(http, UNKNOWN_PATH, STOP);
    if (!METHOD_POST.equals(http.method.ptr, http.method.len))
      return this.refuse(http, METHOD_NOT_ALLOWED, STOP);
    if (http.headers.find(CONTENT_ENCODING, scratchSlice) > 0) return this.refuse(http, ENCODED, STOP);
    if (endOfStream) return this.refuse(http, BODY_MISSING, STOP);
    if (slabBytes > this.maxMemoryBytes) return this.refuse(http, OVERLOADED, STOP);
    const conversion = takeConversion();
    conversion.request.reset(model, version);
    http.setState(this.slot, conversion);
    setHeader(REQUEST_HEADERS, PATH, INFER_RPC.ptr, INFER_RPC.len);
    setHeader(REQUEST_HEADERS, ORIGINAL_PATH, http.path.ptr, http.path.len);
    setHeader(REQUEST_HEADERS, CONTENT_TYPE, GRPC.ptr, GRPC.len);
    setHeader(REQUEST_HEADERS, TE, TRAILERS.ptr, TRAILERS.len);
    if (http.headers.find(CONTENT_LENGTH, scratchSlice) > 0) removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);
    if (http.headers.find(ACCEPT_ENCODING, scratchSlice) > 0) removeHeader(REQUEST_HEADERS, ACCEPT_ENCODING);
    return CONTINUE;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null) return CONTINUE;
    const request = conversion.request;
    conversion.received += size;
    if (conversion.received > this.maxRequestBytes) return this.refuse(http, BODY_TOO_LARGE, STOP_NO_BUFFER);
    for (let offset = 0; offset < size; ) {
      const read = openWindow(REQUEST_BODY, offset, size, conversion.carry);
      if (read == 0) break;
      const rest = request.parse(start, end);
      if (rest == 0 || !closeWindow(rest, conversion.carry)) return this.refuseBody(http, conversion);
      offset += read;
    }
    if (!endOfStream) {
      replaceBody(REQUEST_BODY, 0, 0);
      return slabBytes > this.maxMemoryBytes ? this.refuse(http, OVERLOADED, STOP_NO_BUFFER) : STOP_NO_BUFFER;
    }
    if (conversion.carry.len > 0 || !request.finish()) {
      if (request.error == null) request.error = TRUNCATED;
      return this.refuseBody(http, conversion);
    }
    this.emit(conversion);
    return CONTINUE;
  }

  private emit(conversion: Conversion): void {
    const request = conversion.request;
    scratch.clear();
    scratch.reserve(GRPC_FRAME_HEADER);
    store<u8>(scratch.ptr, 0);
    store<u32>(scratch.ptr + 1, bswap<u32>(<u32>request.messageLength));
    scratch.len = GRPC_FRAME_HEADER;
    sink.begin(REQUEST_BODY);
    request.write(scratch, sink);
    request.release();
  }

  private refuseBody(http: HttpContext, conversion: Conversion): Action {
    const request = conversion.request;
    const error = request.error;
    scratch.clear();
    scratch.appendBytes(error == null ? TOKEN_TOO_LONG : error);
    scratch.appendBytes(AT_BYTE);
    scratch.appendDecimal(request.errorOffset);
    BODY_MALFORMED.setMessage(scratch.ptr, scratch.len);
    return this.refuse(http, BODY_MALFORMED, STOP_NO_BUFFER);
  }

  onRequestTrailers(http: HttpContext): Action {
    return this.conversionOf(http) == null ? CONTINUE : this.refuse(http, TRAILERS_REFUSED, STOP);
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    const type = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const grpc = type >= 0 && startsWithIgnoreCase(headerValue(), type, GRPC);
    const status = getHeader(RESPONSE_HEADERS, GRPC_STATUS);
    if (status >= 0) {
      const code = readStatus(headerValue(), status);
      if (code != 0) return this.replyModelError(http, code, RESPONSE_HEADERS, STOP);
    }
    conversion.upstreamError = !grpc;
    if (endOfStream) return grpc ? this.replyFault(http, TRUNCATED, STOP) : CONTINUE;
    setHeader(RESPONSE_HEADERS, CONTENT_TYPE, JSON_TYPE.ptr, JSON_TYPE.len);
    removeHeader(RESPONSE_HEADERS, CONTENT_LENGTH);
    removeHeader(RESPONSE_HEADERS, GRPC_ENCODING);
    removeHeader(RESPONSE_HEADERS, GRPC_ACCEPT_ENCODING);
    conversion.response.reset();
    conversion.carry.clear();
    if (!grpc) conversion.carry.appendBytes(ERROR_OPEN);
    return CONTINUE;
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    if (conversion.upstreamError) return this.wrapError(conversion, size, endOfStream);
    const response = conversion.response;
    for (let offset = 0; offset < size; ) {
      const read = openWindow(RESPONSE_BODY, offset, size, conversion.carry);
      if (read == 0) break;
      const rest = response.parse(start, end);
      if (rest == 0) return this.replyFault(http, response.error!, STOP_NO_BUFFER);
      if (!closeWindow(rest, conversion.carry)) return this.replyFault(http, TOKEN_TOO_LONG, STOP_NO_BUFFER);
      offset += read;
    }
    if (endOfStream && !response.complete) return this.replyFault(http, TRUNCATED, STOP_NO_BUFFER);
    const out = response.out;
    sink.begin(RESPONSE_BODY);
    for (let slab = out.firstSlab; slab != 0; slab = out.nextSlab(slab)) {
      const length = out.slabLength(slab);
      if (length > 0) sink.piece(out.slabData(slab), length);
    }
    if (sink.first) replaceBody(RESPONSE_BODY, 0, 0);
    out.release();
    return CONTINUE;
  }

  /** Makes JSON of an error that Envoy or a proxy behind it wrote as text. */
  private wrapError(conversion: Conversion, size: i32, endOfStream: bool): Action {
    scratch.clear();
    scratch.append(conversion.carry.ptr, conversion.carry.len);
    conversion.carry.clear();
    for (let offset = 0; offset < size; ) {
      const read = openWindow(RESPONSE_BODY, offset, size, conversion.carry);
      if (read == 0) break;
      appendJsonText(scratch, start, <i32>(end - start));
      offset += read;
    }
    if (endOfStream) scratch.appendBytes(ERROR_CLOSE);
    replaceBody(RESPONSE_BODY, scratch.ptr, scratch.len);
    return CONTINUE;
  }

  onResponseTrailers(http: HttpContext): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    const status = getHeader(RESPONSE_TRAILERS, GRPC_STATUS);
    const code = status < 0 ? 2 : readStatus(headerValue(), status);
    if (code != 0) return this.replyModelError(http, code, RESPONSE_TRAILERS, STOP);
    if (!conversion.response.complete) return this.replyFault(http, TRUNCATED, STOP);
    return CONTINUE;
  }

  /** Answers with the model's own error. Once headers have gone out, Envoy resets the stream instead. */
  private replyModelError(http: HttpContext, code: u32, mapType: i32, action: Action): Action {
    const reply = modelErrors[code];
    scratch.clear();
    const len = getHeader(mapType, GRPC_MESSAGE);
    if (len > 0) appendPercentDecoded(scratch, headerValue(), len);
    reply.setMessage(scratch.ptr, scratch.len);
    return this.refuse(http, reply, action);
  }

  private replyFault(http: HttpContext, why: Bytes, action: Action): Action {
    MODEL_FAULT.setMessage(why.ptr, why.len);
    return this.refuse(http, MODEL_FAULT, action);
  }

  onLog(http: HttpContext): void {
    this.release(http);
  }

  private release(http: HttpContext): void {
    const conversion = this.conversionOf(http);
    if (conversion == null) return;
    conversion.giveBack();
    http.setState(this.slot, null);
  }
}

const scratchSlice: Slice = new Slice();
const TOKEN_TOO_LONG = bytes("a string or number is too long");

/** gRPC status of its decimal text; 2 (unknown) when it is none. */
function readStatus(ptr: usize, len: i32): u32 {
  let status: u32 = 0;
  for (let i: i32 = 0; i < len; i++) {
    const digit = load<u8>(ptr + i) - 0x30;
    if (digit > 9 || status > 16) return 2;
    status = status * 10 + digit;
  }
  return status > 16 ? 2 : status;
}

/** grpc-message is percent-encoded (gRPC over HTTP/2, "Responses"). */
function appendPercentDecoded(out: ByteBuffer, ptr: usize, len: i32): void {
  for (let i: i32 = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c == 0x25 && i + 2 < len) {
      const high = hexDigit(load<u8>(ptr + i + 1));
      const low = hexDigit(load<u8>(ptr + i + 2));
      if (high >= 0 && low >= 0) {
        out.appendByte(<u8>((high << 4) | low));
        i += 2;
        continue;
      }
    }
    out.appendByte(c);
  }
}

function hexDigit(c: u8): i32 {
  const letter = c | 0x20;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
