import {
  BODY_TOO_LARGE,
  ENCODED,
  modelError,
  OVERLOADED,
  TRAILERS_REFUSED,
} from "../model-protocol/common-replies";
import { Datatype } from "../model-protocol/datatype";
import { grpcStatusOf, saysSuccess } from "../model-protocol/grpc-status";
import { CUT_OFF, NOT_GRPC } from "../model-protocol/model-faults";
import { setNonFinite } from "../model-protocol/numbers/float-text";
import { isCall, model, Operation, parseRoute, version, versionIsLabel } from "../model-protocol/route";
import { bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import {
  Action,
  CONTINUE,
  RESPONSE_HEADERS,
  RESPONSE_TRAILERS,
  STOP,
  STOP_AND_BUFFER,
  STOP_NO_BUFFER,
} from "../sdk/host/abi";
import { getHeader, headerValue } from "../sdk/host/headers";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Stage } from "../sdk/pipeline/stage";
import { takeFrameBytes } from "./body/piece-sink";
import { slabBytes } from "./body/slabs";
import { Conversion, takeConversion } from "./conversion";
import { Form } from "./open-inference/reply-json";
import {
  BINARY_LENGTH,
  BODY_MISSING,
  HEADER_LENGTH,
  modelFault,
  NO_SIGNATURES,
  RAW_TENSOR,
  UNKNOWN_PATH,
  USE_GET,
  USE_POST,
} from "./replies";
import { convertReplyChunk, convertUpstreamError, openUpstreamError, replyComplete } from "./reply-body";
import { convertRequestChunk } from "./request-body";
import { acceptedStream, headerLength, makeGrpcRequest, makeReplyHeaders } from "./request-headers";
import { readSettings, Settings } from "./settings";
import { isRaw, rawTensor } from "./tensor/raw-tensor";
import { appendModelSpec } from "./tensorflow-serving/model-spec";
import { startCall } from "./unary-call";

const METHOD_GET = bytes("GET");
const METHOD_POST = bytes("POST");
const CONTENT_TYPE = bytes("content-type");
const CONTENT_LENGTH = bytes("content-length");
const CONTENT_ENCODING = bytes("content-encoding");
const GRPC = bytes("application/grpc");

/**
 * REST of the Open Inference Protocol and of TensorFlow Serving <-> the model server's gRPC. gRPC callers pass untouched.
 */
export class ProtocolConversion extends Stage {
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

  private refuse(http: HttpContext, reply: LocalReply, action: Action): Action {
    this.release(http);
    http.refuse(reply);
    return action;
  }

  onRequestHeaders(http: HttpContext, endOfStream: bool): Action {
    const settings = this.settings;
    if (http.grpc) return CONTINUE;
    const task = settings.tasks.find(http.taskid.ptr, http.taskid.len);
    if (task == null) return CONTINUE;
    const operation = parseRoute(http.path);
    if (operation == Operation.None) return this.refuse(http, UNKNOWN_PATH, STOP);
    const call = isCall(operation);
    if (!(call ? METHOD_GET : METHOD_POST).equals(http.method.ptr, http.method.len)) {
      return this.refuse(http, call ? USE_GET : USE_POST, STOP);
    }
    if (call) return this.call(http, operation);
    if (http.headers.find(CONTENT_ENCODING, scratch) > 0) return this.refuse(http, ENCODED, STOP);
    if (endOfStream) return this.refuse(http, BODY_MISSING, STOP);
    if (slabBytes > settings.maxMemoryBytes) return this.refuse(http, OVERLOADED, STOP);
    const conversion = takeConversion(operation, task.policy);
    http.setState(this.slot, conversion);
    conversion.mayHaveTrailers = http.headers.find(CONTENT_LENGTH, scratch) == 0;
    const raw = operation <= Operation.Predict && isRaw(http.headers);
    if (raw && !rawTensor.read(http.headers, task.raw)) return this.refuse(http, RAW_TENSOR, STOP);
    const strings = raw && operation == Operation.Predict && rawTensor.datatype == Datatype.BYTES;
    if (raw && !strings) conversion.startRaw();
    if (operation == Operation.Predict) {
      if (!raw && task.signatures.length == 0) return this.refuse(http, NO_SIGNATURES, STOP);
      const predict = conversion.predictRequest;
      predict.reset(task.signatures);
      appendModelSpec(predict.spec, model, version, versionIsLabel);
      if (raw) predict.nameSignature();
      if (strings) {
        conversion.rawStrings.reset(predict.spec);
        conversion.request = conversion.rawStrings;
      } else if (raw && !predict.setRaw(conversion.inferRequest.contents)) {
        return this.refuse(http, RAW_TENSOR, STOP);
      }
    } else if (operation != Operation.Infer) {
      conversion.examplesRequest.reset();
      appendModelSpec(conversion.examplesRequest.spec, model, version, versionIsLabel);
    } else {
      if (!raw) conversion.jsonBytes = headerLength(http.headers);
      if (conversion.jsonBytes < 0) return this.refuse(http, HEADER_LENGTH, STOP);
      conversion.streamForm = acceptedStream(http.headers);
      scratch.ptr = model.ptr;
      scratch.len = model.len;
      versionSlice.ptr = version.ptr;
      versionSlice.len = version.len;
      conversion.inferRequest.reset(scratch, versionSlice);
      if (raw && !conversion.inferRequest.setRaw()) return this.refuse(http, RAW_TENSOR, STOP);
    }
    makeGrpcRequest(http, conversion);
    return CONTINUE;
  }

  private call(http: HttpContext, operation: Operation): Action {
    const call = startCall(http, operation, this.settings.callTimeoutMilliseconds, this.slot);
    if (call != null) http.setState(this.slot, call);
    return STOP;
  }

  onRequestBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null) return CONTINUE;
    conversion.received += size - conversion.heldBytes;
    if (conversion.received > conversion.policy.maxRequestBytes) {
      return this.refuse(http, BODY_TOO_LARGE, STOP_NO_BUFFER);
    }
    setNonFinite(conversion.policy.nonFinite);
    const refusal = convertRequestChunk(conversion, size, endOfStream, this.settings.maxMemoryBytes);
    http.requestTensorBytes += takeFrameBytes();
    if (refusal != null) return this.refuse(http, refusal, STOP_NO_BUFFER);
    if (conversion.begun || endOfStream) return CONTINUE;
    return conversion.heldBytes > 0 ? STOP_AND_BUFFER : STOP_NO_BUFFER;
  }

  onRequestTrailers(http: HttpContext): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null) return CONTINUE;
    if (conversion.begun) {
      const complete = conversion.inferRequest.contents.complete;
      return complete ? CONTINUE : this.refuse(http, BINARY_LENGTH, STOP);
    }
    if (conversion.heldBytes == 0) return this.refuse(http, TRAILERS_REFUSED, STOP);
    setNonFinite(conversion.policy.nonFinite);
    const most = this.settings.maxMemoryBytes;
    const refusal = convertRequestChunk(conversion, conversion.heldBytes, true, most);
    http.requestTensorBytes += takeFrameBytes();
    return refusal == null ? CONTINUE : this.refuse(http, refusal, STOP);
  }

  onResponseHeaders(http: HttpContext, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    const type = getHeader(RESPONSE_HEADERS, CONTENT_TYPE);
    const grpc = type >= 0 && startsWithIgnoreCase(headerValue(), type, GRPC);
    const status = grpcStatusOf(RESPONSE_HEADERS);
    if (status > 0) return this.refuse(http, modelError(status, RESPONSE_HEADERS), STOP);
    if (!grpc && saysSuccess()) return this.refuse(http, modelFault(NOT_GRPC), STOP);
    if (endOfStream) return grpc ? this.refuse(http, modelFault(CUT_OFF), STOP) : CONTINUE;
    this.startReply(conversion);
    makeReplyHeaders(conversion, conversion.announcedBytes, grpc);
    conversion.carry.clear();
    if (!grpc) openUpstreamError(conversion);
    return CONTINUE;
  }

  private startReply(conversion: Conversion): void {
    const policy = conversion.policy;
    if (conversion.operation == Operation.Predict) {
      conversion.predictResponse.reset(conversion.predictRequest.rows, policy.maxResponseBytes);
      return;
    }
    if (conversion.operation != Operation.Infer) {
      conversion.resultsResponse.reset(conversion.operation == Operation.Classify, policy.maxResponseBytes);
      return;
    }
    const request = conversion.inferRequest;
    let form = Form.Json;
    if (conversion.streamForm >= 0) form = <Form>conversion.streamForm;
    else if (request.wantsBinary) form = Form.Binary;
    const headerBytes = policy.binaryHeaderBytes + request.outputCount * BINARY_HEADER_PER_OUTPUT;
    conversion.inferResponse.reset(form, policy.maxResponseBytes, headerBytes);
  }

  onResponseBody(http: HttpContext, size: i32, endOfStream: bool): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    if (conversion.upstreamError) {
      convertUpstreamError(conversion, size, endOfStream);
      return CONTINUE;
    }
    setNonFinite(conversion.policy.nonFinite);
    if (slabBytes > this.settings.maxMemoryBytes) return this.refuse(http, OVERLOADED, STOP_NO_BUFFER);
    http.responseTensorBytes += size;
    const fault = convertReplyChunk(conversion, size, endOfStream);
    return fault == null ? CONTINUE : this.refuse(http, modelFault(fault), STOP_NO_BUFFER);
  }

  onResponseTrailers(http: HttpContext): Action {
    const conversion = this.conversionOf(http);
    if (conversion == null || http.replied) return CONTINUE;
    const status = grpcStatusOf(RESPONSE_TRAILERS);
    if (status != 0) return this.refuse(http, modelError(status < 0 ? 2 : status, RESPONSE_TRAILERS), STOP);
    return replyComplete(conversion) ? CONTINUE : this.refuse(http, modelFault(CUT_OFF), STOP);
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
const versionSlice: Slice = new Slice();
/** Room in the JSON of a binary reply for what is said of one requested output. */
const BINARY_HEADER_PER_OUTPUT: i32 = 512;
