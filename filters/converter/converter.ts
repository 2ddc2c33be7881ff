import {
  BODY_TOO_LARGE,
  ENCODED,
  MODEL_UNREACHABLE,
  modelError,
  modelFault,
  OVERLOADED,
  TRAILERS_REFUSED,
} from "../model-protocol/common-replies";
import { FRAME_HEADER_BYTES, isCompressed, messageLength } from "../model-protocol/grpc-frame";
import { grpcStatusOf, saysSuccess } from "../model-protocol/grpc-status";
import { COMPRESSED, CUT_OFF, MALFORMED, NOT_GRPC, OVERSIZE, SEVERAL } from "../model-protocol/model-faults";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_BODY, RESPONSE_BODY, RESPONSE_HEADERS, RESPONSE_TRAILERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { replaceBody } from "../sdk/host/body";
import { requestCollection } from "../sdk/host/collection";
import { getHeader, headerValue } from "../sdk/host/headers";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { bufferedBytes, Exchange, takeExchange } from "./exchange";
import { clearFault, currentFault } from "./fault";
import { gather } from "./gather";
import { ModelRequest, PredictRequest } from "./model-request";
import { ModelResponse, readInferResponse, readPredictResponse } from "./model-response";
import { BODY_MISSING, failed, refused } from "./replies";
import { Request } from "./request";
import { GRPC, JSON_TYPE, sendErrorText, sendToCaller, sendToModel } from "./send";

const HELD_BYTE = memory.data<u8>([Char.SPACE]);

const MEGABYTE: f64 = 1024 * 1024;
const LARGEST_ERROR_TEXT: i32 = 16 * 1024;

/** A task's own two functions. */
export abstract class Converter {
  /** @returns what the model is asked, or null: the request is refused with 400 */
  abstract before(request: Request): ModelRequest | null;
  /** @returns the body of the answer, or null: the caller gets a 502 */
  abstract after(response: ModelResponse): Uint8Array | null;
}

/**
 * Runs a converter for the requests of one task; others pass, and so do gRPC callers. Headers wait for their
 * body, so that the functions decide on method and status: the plug-in needs
 * `allow_on_headers_stop_iteration`.
 */
export class ConverterStage extends Stage {
  private taskid: Bytes = bytes("");
  private contentType: Bytes = JSON_TYPE;
  private maxRequestBytes: i32 = 0;
  private maxResponseBytes: i32 = 0;
  private maxMemoryBytes: i64 = 0;

  constructor(private readonly converter: Converter) {
    super();
  }

  get key(): string {
    return "converter";
  }

  configure(config: Config): void {
    this.taskid = bytes(config.text("taskid"));
    this.maxRequestBytes = <i32>config.number("maxRequestBytes", 8 * MEGABYTE, 1);
    this.maxResponseBytes = <i32>config.number("maxResponseBytes", 16 * MEGABYTE, 1);
    this.maxMemoryBytes = <i64>config.number("maxMemoryBytes", 64 * MEGABYTE, 1);
    if (config.has("contentType")) this.contentType = bytes(config.text("contentType"));
  }

  private exchangeOf(http: HttpContext): Exchange | null {
    return http.replied ? null : changetype<Exchange | null>(http.state(this.slot));
  }

  private refuse<A>(http: HttpContext, reply: LocalReply, action: A): A {
    this.onDone(http);
    http.refuse(reply);
    return action;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    if (http.grpc || !this.taskid.equals(http.taskid.ptr, http.taskid.len)) return HeadersAction.CONTINUE;
    if (http.headers.find(CONTENT_ENCODING, scratch) > 0)
      return this.refuse(http, ENCODED, HeadersAction.STOP);
    if (endOfStream) return this.refuse(http, BODY_MISSING, HeadersAction.STOP);
    if (bufferedBytes() > this.maxMemoryBytes) return this.refuse(http, OVERLOADED, HeadersAction.STOP);
    const exchange = takeExchange();
    exchange.mayHaveTrailers = http.headers.find(CONTENT_LENGTH, scratch) == 0;
    http.setState(this.slot, exchange);
    return HeadersAction.HOLD;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const exchange = this.exchangeOf(http);
    if (exchange == null) return BodyAction.CONTINUE;
    if (exchange.body.len + size - exchange.heldBytes > this.maxRequestBytes)
      return this.refuse(http, BODY_TOO_LARGE, BodyAction.STOP_NO_BUFFER);
    if (bufferedBytes() + size > this.maxMemoryBytes)
      return this.refuse(http, OVERLOADED, BodyAction.STOP_NO_BUFFER);
    gather(exchange, REQUEST_BODY, size);
    if (!endOfStream) {
      return exchange.mayHaveTrailers ? hold(exchange, REQUEST_BODY) : BodyAction.STOP_NO_BUFFER;
    }
    const refusal = this.ask(http, exchange);
    return refusal == null ? BodyAction.CONTINUE : this.refuse(http, refusal, BodyAction.STOP_NO_BUFFER);
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    const exchange = this.exchangeOf(http);
    if (exchange == null || exchange.asked) return TrailersAction.CONTINUE;
    if (exchange.heldBytes == 0) return this.refuse(http, TRAILERS_REFUSED, TrailersAction.STOP);
    const refusal = this.ask(http, exchange);
    return refusal == null ? TrailersAction.CONTINUE : this.refuse(http, refusal, TrailersAction.STOP);
  }

  /**
   * The body is whole: makes the model's request of it.
   * @returns the refusal where none can be made
   */
  private ask(http: HttpContext, exchange: Exchange): LocalReply | null {
    requestCollection();
    clearFault();
    const request = this.converter.before(new Request(http, exchange.body));
    const fault = currentFault();
    exchange.forgetBody();
    if (request == null || fault.length > 0) return refused(fault);
    exchange.asked = true;
    exchange.predict = request instanceof PredictRequest;
    sendToModel(http, request);
    return null;
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const exchange = this.exchangeOf(http);
    if (exchange == null) return HeadersAction.CONTINUE;
    const status = grpcStatusOf(RESPONSE_HEADERS);
    if (status > 0) return this.refuse(http, modelError(status, RESPONSE_HEADERS), HeadersAction.STOP);
    const type = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const grpc = type >= 0 && startsWithIgnoreCase(headerValue(), type, GRPC);
    if (!grpc && saysSuccess()) return this.refuse(http, modelFault(NOT_GRPC), HeadersAction.STOP);
    if (endOfStream)
      return grpc ? this.refuse(http, modelFault(CUT_OFF), HeadersAction.STOP) : HeadersAction.CONTINUE;
    exchange.upstreamError = !grpc;
    if (!grpc) http.noteFailure(MODEL_UNREACHABLE);
    return HeadersAction.HOLD;
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const exchange = this.exchangeOf(http);
    if (exchange == null) return BodyAction.CONTINUE;
    if (exchange.answered) {
      replaceBody(RESPONSE_BODY, 0, 0);
      return BodyAction.CONTINUE;
    }
    const most = exchange.upstreamError ? LARGEST_ERROR_TEXT : this.maxResponseBytes;
    if (exchange.body.len + size - exchange.heldBytes > most)
      return this.refuse(http, modelFault(OVERSIZE), BodyAction.STOP_NO_BUFFER);
    if (bufferedBytes() + size > this.maxMemoryBytes)
      return this.refuse(http, OVERLOADED, BodyAction.STOP_NO_BUFFER);
    gather(exchange, RESPONSE_BODY, size);
    if (exchange.upstreamError) {
      if (!endOfStream) return hold(exchange, RESPONSE_BODY);
      sendErrorText(exchange);
      return BodyAction.CONTINUE;
    }
    // The answer goes out with the last bytes of the message: at the trailers it could be no longer than
    // Envoy's buffer.
    if (isWhole(exchange.body)) return this.answer(http, exchange);
    return endOfStream
      ? this.refuse(http, modelFault(CUT_OFF), BodyAction.STOP_NO_BUFFER)
      : BodyAction.STOP_NO_BUFFER;
  }

  onResponseTrailers(http: HttpContext): TrailersAction {
    const exchange = this.exchangeOf(http);
    if (exchange == null || exchange.answered) return TrailersAction.CONTINUE;
    if (exchange.upstreamError) {
      sendErrorText(exchange);
      return TrailersAction.CONTINUE;
    }
    const status = grpcStatusOf(RESPONSE_TRAILERS);
    if (status == 0) return this.refuse(http, modelFault(CUT_OFF), TrailersAction.STOP);
    return this.refuse(http, modelError(status, RESPONSE_TRAILERS), TrailersAction.STOP);
  }

  /** The model's message is whole: makes the caller's answer of it. */
  private answer(http: HttpContext, exchange: Exchange): BodyAction {
    requestCollection();
    clearFault();
    const body = exchange.body;
    if (isCompressed(body.ptr)) return this.refuse(http, modelFault(COMPRESSED), BodyAction.STOP_NO_BUFFER);
    if (body.len > FRAME_HEADER_BYTES + messageLength(body.ptr))
      return this.refuse(http, modelFault(SEVERAL), BodyAction.STOP_NO_BUFFER);
    const from = body.ptr + FRAME_HEADER_BYTES;
    const response = exchange.predict
      ? readPredictResponse(from, body.end)
      : readInferResponse(from, body.end);
    http.responseTensorBytes = body.len;
    http.handOffTensorBytes();
    exchange.forgetBody();
    if (response == null) return this.refuse(http, modelFault(MALFORMED), BodyAction.STOP_NO_BUFFER);
    const answer = this.converter.after(response);
    const fault = currentFault();
    if (answer == null || fault.length > 0)
      return this.refuse(http, failed(fault), BodyAction.STOP_NO_BUFFER);
    exchange.answered = true;
    sendToCaller(this.contentType, answer.dataStart, answer.length);
    return BodyAction.CONTINUE;
  }

  onDone(http: HttpContext): void {
    const state = http.state(this.slot);
    if (state == null) return;
    state.release();
    http.setState(this.slot, null);
  }
}

const scratch: Slice = new Slice();

/** Lets the host keep one byte of a body that goes on: it may end in trailers. */
function hold(exchange: Exchange, bufferType: i32): BodyAction {
  exchange.heldBytes = 1;
  replaceBody(bufferType, HELD_BYTE, 1);
  return BodyAction.STOP_AND_BUFFER;
}

/** Is a whole message of gRPC there, and maybe more? */
function isWhole(body: ByteBuffer): bool {
  return body.len >= FRAME_HEADER_BYTES && messageLength(body.ptr) <= body.len - FRAME_HEADER_BYTES;
}
