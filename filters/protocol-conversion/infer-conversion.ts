import { route } from "../model-protocol/route";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { Conversion } from "./conversion";
import { InferRequest } from "./open-inference/infer-request";
import { InferResponse } from "./open-inference/infer-response";
import { Form } from "./open-inference/reply-json";
import { HEADER_LENGTH, RAW_TENSOR } from "./replies";
import { acceptedStream, headerLength } from "./request-headers";
import { Task } from "./task";
import { RawContents } from "./tensor/raw-contents";
import { isRaw, rawTensor, saysTensor } from "./tensor/raw-tensor";

const MODEL_INFER = bytes("/inference.GRPCInferenceService/ModelInfer");
const MODEL_STREAM_INFER = bytes("/inference.GRPCInferenceService/ModelStreamInfer");
/** Room in the JSON of a binary reply for what is said of one requested output. */
const BINARY_HEADER_PER_OUTPUT: i32 = 512;

const pool: StreamPool<InferConversion> = new StreamPool<InferConversion>();

/**
 * `/infer` of the Open Inference Protocol: JSON, JSON with binary tensor data, or a raw tensor; one reply or
 * a stream.
 */
export class InferConversion extends Conversion {
  private readonly inferRequest: InferRequest = new InferRequest();
  private readonly inferResponse: InferResponse = new InferResponse();

  static take(): Conversion {
    return pool.take();
  }

  release(): void {
    super.release();
    pool.release(this);
  }

  get request(): RequestReader {
    return this.inferRequest;
  }

  get contents(): RawContents {
    return this.inferRequest.contents;
  }

  get reply(): ReplyWriter {
    return this.inferResponse;
  }

  get rpc(): Bytes {
    return this.streamForm < 0 ? MODEL_INFER : MODEL_STREAM_INFER;
  }

  get isOpenInference(): bool {
    return true;
  }

  get takesBinary(): bool {
    return true;
  }

  get announcedBytes(): i32 {
    return this.inferResponse.announcedBytes;
  }

  start(http: HttpContext, task: Task): LocalReply | null {
    const headers = http.headers;
    const raw = isRaw(headers) && saysTensor(headers, task.raw);
    if (raw) {
      if (!rawTensor.read(headers, task.raw)) return RAW_TENSOR;
      this.startRaw();
    } else this.jsonBytes = headerLength(headers);
    if (this.jsonBytes <= 0 && !raw) return HEADER_LENGTH;
    this.streamForm = acceptedStream(headers);
    this.inferRequest.reset(route.model, route.version);
    return raw && !this.inferRequest.setRaw() ? RAW_TENSOR : null;
  }

  startReply(): void {
    const request = this.inferRequest;
    let form = Form.Json;
    if (this.streamForm >= 0) form = <Form>this.streamForm;
    else if (request.outputs.areBinary) form = Form.Binary;
    const headerBytes = this.policy.binaryHeaderBytes + request.outputs.count * BINARY_HEADER_PER_OUTPUT;
    this.inferResponse.reset(form, this.policy.maxResponseBytes, headerBytes);
  }
}
