import {
  BODY_TOO_LARGE,
  ENCODED,
  MODEL_UNREACHABLE,
  modelError,
  modelFault,
  OVERLOADED,
  streamError,
  TRAILERS_REFUSED,
} from "../model-protocol/common-replies";
import { grpcStatusOf, saysSuccess } from "../model-protocol/grpc-status";
import { CUT_OFF, NOT_GRPC } from "../model-protocol/model-faults";
import { setNonFinite } from "../model-protocol/numbers/float-text";
import { Operation } from "../model-protocol/route";
import { bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { CONTENT_LENGTH, CONTENT_TYPE } from "../sdk/bytes/header-names";
import { Slice } from "../sdk/bytes/slice";
import { RESPONSE_HEADERS, RESPONSE_TRAILERS } from "../sdk/host/abi";
import { BodyAction, HeadersAction, TrailersAction } from "../sdk/host/actions";
import { GrpcCode } from "../sdk/host/grpc-code";
import { getHeader, headerValue } from "../sdk/host/headers";
import { Config } from "../sdk/pipeline/config";
import { pluginOfStream } from "../sdk/pipeline/contexts";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { takeFrameBytes } from "./body/piece-sink";
import { slabBytesHeld } from "./body/slabs";
import { Conversion } from "./conversion";
import { finishGathered, gatherReplyChunk } from "./gathered-reply";
import { DescriptionCall, DescriptionListener, descriptionOf } from "./generate/description-call";
import { ModelDescription } from "./generate/model-description";
import { isTooLarge, passGrpc } from "./grpc-request";
import { handlerOf, operationOf } from "./operations";
import { Question } from "./question";
import {
  BINARY_LENGTH,
  BODY_MISSING,
  NOT_ONE_REPLY,
  replyEmpty,
  STREAM_EMPTY,
  UNKNOWN_PATH,
} from "./replies";
import { convertReplyChunk, convertUpstreamError, openUpstreamError, replyComplete } from "./reply-body";
import { convertRequestChunk } from "./request-body";
import { isEncoded, liftTimeout, makeGrpcRequest, makeReplyHeaders } from "./request-headers";
import { readSettings, Settings } from "./settings";
import { Task } from "./task";
import { startCall } from "./unary-call";

const GRPC = bytes("application/grpc");

/**
 * REST of the Open Inference Protocol and of TensorFlow Serving <-> the model server's gRPC. gRPC callers
 * pass untouched.
 */
export class ProtocolConversion extends Stage implements DescriptionListener {
  private settings: Settings = new Settings();

  get key(): string {
    return "protocolConversion";
  }

  configure(config: Config): void {
    this.settings = readSettings(config);
  }

  private conversionOf(http: HttpContext): Conversion | null {
    const state = http.state(this.slot);
    return state instanceof Conversion ? changetype<Conversion>(state) : null;
  }

  private refuse<A>(http: HttpContext, reply: LocalReply, action: A): A {
    this.release(http);
    http.refuse(reply);
    return action;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const settings = this.settings;
    const task = settings.tasks.find(http.taskid.ptr, http.taskid.len);
    if (task == null) return HeadersAction.CONTINUE;
    if (http.grpc) {
      passGrpc(http, task, this.slot, endOfStream);
      return HeadersAction.CONTINUE;
    }
    const operation = operationOf(http.path, task);
    const handler = handlerOf(operation);
    if (handler == null) return this.refuse(http, UNKNOWN_PATH, HeadersAction.STOP);
    const refusal = handler.refusal;
    if (refusal != null) return this.refuse(http, refusal, HeadersAction.STOP);
    if (!handler.takesMethod(http.method.ptr, http.method.len)) {
      return this.refuse(http, handler.wrongMethod, HeadersAction.STOP);
    }
    const question = handler.question;
    if (question != null && (endOfStream || !handler.converts)) return this.ask(http, question);
    if (isEncoded(http.headers)) return this.refuse(http, ENCODED, HeadersAction.STOP);
    if (endOfStream) return this.refuse(http, BODY_MISSING, HeadersAction.STOP);
    if (slabBytesHeld() > settings.maxMemoryBytes) return this.refuse(http, OVERLOADED, HeadersAction.STOP);
    if (!handler.needsDescription) return this.convert(http, task, operation, null);
    const model = descriptionOf(http);
    return model == null ? this.askForDescription(http) : this.convert(http, task, operation, model);
  }

  private convert(
    http: HttpContext,
    task: Task,
    operation: Operation,
    model: ModelDescription | null,
  ): HeadersAction {
    const conversion = handlerOf(operation)!.takeConversion();
    http.setState(this.slot, conversion);
    conversion.begin(task.policy, http.headers.find(CONTENT_LENGTH, scratch) == 0);
    if (model != null) conversion.describe(model, operation);
    const unfit = conversion.start(http, task);
    if (unfit != null) return this.refuse(http, unfit, HeadersAction.STOP);
    makeGrpcRequest(http, conversion);
    if (conversion.mayStream) liftTimeout(task);
    return HeadersAction.CONTINUE;
  }

  private askForDescription(http: HttpContext): HeadersAction {
    const call = DescriptionCall.start(http, this.settings.callTimeoutMs, this);
    if (call == null) return this.refuse(http, MODEL_UNREACHABLE, HeadersAction.STOP);
    http.setState(this.slot, call);
    return HeadersAction.STOP;
  }

  /** The request, whose headers waited, goes on. */
  onDescription(http: HttpContext, model: ModelDescription | null, refusal: LocalReply | null): void {
    this.release(http);
    const task = this.settings.tasks.find(http.taskid.ptr, http.taskid.len);
    if (refusal != null) this.refuse(http, refusal, HeadersAction.STOP);
    else if (this.convert(http, task!, operationOf(http.path, task!), model) == HeadersAction.CONTINUE)
      pluginOfStream(http).resume(http, this);
  }

  private ask(http: HttpContext, question: Question): HeadersAction {
    const call = startCall(http, question, this.settings.callTimeoutMs, this.slot);
    if (call != null) http.setState(this.slot, call);
    return HeadersAction.STOP;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const conversion = this.conversionOf(http);
    if (conversion == null && !isTooLarge(http.state(this.slot), size)) return BodyAction.CONTINUE;
    if (conversion == null) return this.refuse(http, BODY_TOO_LARGE, BodyAction.STOP_NO_BUFFER);
    conversion.received += size - conversion.heldBytes;
    if (conversion.received > conversion.policy.maxRequestBytes) {
      return this.refuse(http, BODY_TOO_LARGE, BodyAction.STOP_NO_BUFFER);
    }
    setNonFinite(conversion.policy.nonFinite);
    const refusal = convertRequestChunk(conversion, size, endOfStream, this.settings.maxMemoryBytes);
    http.requestTensorBytes += takeFrameBytes();
    if (refusal != null) return this.refuse(http, refusal, BodyAction.STOP_NO_BUFFER);
    http.heldBytes = conversion.heldBytes;
    if (conversion.begun || endOfStream) return BodyAction.CONTINUE;
    return conversion.heldBytes > 0 ? BodyAction.STOP_AND_BUFFER : BodyAction.STOP_NO_BUFFER;
  }

  onRequestTrailers(http: HttpContext): TrailersAction {
    const conversion = this.conversionOf(http);
    if (conversion == null) return TrailersAction.CONTINUE;
    if (conversion.begun) {
      const complete = conversion.contents.complete;
      return complete ? TrailersAction.CONTINUE : this.refuse(http, BINARY_LENGTH, TrailersAction.STOP);
    }
    if (conversion.heldBytes == 0) return this.refuse(http, TRAILERS_REFUSED, TrailersAction.STOP);
    setNonFinite(conversion.policy.nonFinite);
    const most = this.settings.maxMemoryBytes;
    const refusal = convertRequestChunk(conversion, conversion.heldBytes, true, most);
    http.requestTensorBytes += takeFrameBytes();
    return refusal == null ? TrailersAction.CONTINUE : this.refuse(http, refusal, TrailersAction.STOP);
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): HeadersAction {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return HeadersAction.CONTINUE;
    const type = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const grpc = type >= 0 && startsWithIgnoreCase(headerValue(), type, GRPC);
    const status = grpcStatusOf(RESPONSE_HEADERS);
    const openInference = conversion.isOpenInference;
    if (status > 0)
      return this.refuse(http, modelError(status, RESPONSE_HEADERS, openInference), HeadersAction.STOP);
    if (!grpc && saysSuccess()) return this.refuse(http, modelFault(NOT_GRPC), HeadersAction.STOP);
    const stream = conversion.streamForm >= 0 || conversion.gathers;
    if (endOfStream && grpc && stream && status == GrpcCode.OK)
      return this.endEmpty(http, conversion, HeadersAction.STOP);
    if (endOfStream)
      return grpc ? this.refuse(http, modelFault(CUT_OFF), HeadersAction.STOP) : HeadersAction.CONTINUE;
    conversion.startReply();
    makeReplyHeaders(conversion, conversion.announcedBytes, grpc);
    conversion.carry.clear();
    if (!grpc) {
      http.noteFailure(MODEL_UNREACHABLE);
      openUpstreamError(conversion);
    }
    conversion.held = grpc && stream && this.settings.holdsHeaders;
    return conversion.held ? HeadersAction.HOLD : HeadersAction.CONTINUE;
  }

  /** Answers a caller whose stream has no reply. */
  private endEmpty<A>(http: HttpContext, conversion: Conversion, action: A): A {
    if (conversion.gathers) return this.refuse(http, NOT_ONE_REPLY, action);
    this.release(http);
    http.replied = true;
    replyEmpty(http);
    return action;
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): BodyAction {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return BodyAction.CONTINUE;
    if (conversion.upstreamError) {
      convertUpstreamError(conversion, size, endOfStream);
      return BodyAction.CONTINUE;
    }
    setNonFinite(conversion.policy.nonFinite);
    if (slabBytesHeld() > this.settings.maxMemoryBytes)
      return this.refuse(http, OVERLOADED, BodyAction.STOP_NO_BUFFER);
    if (conversion.gathers) return this.gather(http, conversion, size, endOfStream);
    http.responseTensorBytes += size;
    const fault = convertReplyChunk(conversion, size, endOfStream);
    if (fault != null) return this.refuse(http, modelFault(fault), BodyAction.STOP_NO_BUFFER);
    return conversion.streamForm < 0 ? BodyAction.CONTINUE : this.passEvents(http, conversion);
  }

  private gather(http: HttpContext, conversion: Conversion, size: i32, endOfStream: bool): BodyAction {
    let refusal = gatherReplyChunk(http, conversion, size, endOfStream);
    if (refusal == null && endOfStream) refusal = finishGathered(http, conversion);
    if (refusal != null) return this.refuse(http, refusal, BodyAction.STOP_NO_BUFFER);
    return endOfStream ? BodyAction.CONTINUE : BodyAction.STOP_AND_BUFFER;
  }

  /** Lets what came of a stream go on: its headers with the first reply, unless that is an error. */
  private passEvents(http: HttpContext, conversion: Conversion): BodyAction {
    const error = conversion.reply.streamError;
    const first = conversion.held;
    if (first && !conversion.replyBegun) return BodyAction.STOP_NO_BUFFER;
    conversion.held = false;
    if (error.len == 0) return BodyAction.CONTINUE;
    const reply = streamError(error);
    error.clear();
    if (first) return this.refuse(http, reply, BodyAction.STOP_NO_BUFFER);
    http.noteFailure(reply);
    return BodyAction.CONTINUE;
  }

  onResponseTrailers(http: HttpContext): TrailersAction {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return TrailersAction.CONTINUE;
    const status = grpcStatusOf(RESPONSE_TRAILERS);
    if (status != GrpcCode.OK) {
      const error = modelError(status, RESPONSE_TRAILERS, conversion.isOpenInference);
      return this.refuse(http, error, TrailersAction.STOP);
    }
    if (!replyComplete(conversion)) return this.refuse(http, modelFault(CUT_OFF), TrailersAction.STOP);
    if (conversion.gathers) {
      const refusal = finishGathered(http, conversion);
      return refusal == null ? TrailersAction.CONTINUE : this.refuse(http, refusal, TrailersAction.STOP);
    }
    if (conversion.held) return this.endEmpty(http, conversion, TrailersAction.STOP);
    if (conversion.streamForm >= 0 && !conversion.replyBegun) http.noteFailure(STREAM_EMPTY);
    return TrailersAction.CONTINUE;
  }

  onDone(http: HttpContext): void {
    this.release(http);
  }

  private release(http: HttpContext): void {
    const state = http.state(this.slot);
    if (state == null) return;
    state.release();
    http.setState(this.slot, null);
  }
}

const scratch: Slice = new Slice();
