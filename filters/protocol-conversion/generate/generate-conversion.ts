import { Operation, route } from "../../model-protocol/route";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { ReplyWriter } from "../body/reply-writer";
import { RequestReader } from "../body/request-reader";
import { Conversion } from "../conversion";
import { InferResponse } from "../open-inference/infer-response";
import { Form } from "../open-inference/reply-json";
import { MODEL_INFER, MODEL_STREAM_INFER } from "../request-headers";
import { Task } from "../task";
import { RawContents } from "../tensor/raw-contents";
import { GenerateJson } from "./generate-json";
import { GenerateRequest } from "./generate-request";
import { ModelDescription } from "./model-description";

const EVENTS = bytes("text/event-stream; charset=utf-8");

const pool: StreamPool<GenerateConversion> = new StreamPool<GenerateConversion>();

/**
 * `/generate` and `/generate_stream` of Triton's generate extension. A decoupled model can only be called by
 * a stream: where the caller wants one reply, it is the only one of the stream.
 */
export class GenerateConversion extends Conversion {
  private readonly generateRequest: GenerateRequest = new GenerateRequest();
  private readonly generateResponse: InferResponse = new InferResponse().writtenBy(new GenerateJson());
  private streams: bool = false;

  static take(): Conversion {
    const conversion = pool.take();
    conversion.streams = false;
    return conversion;
  }

  static takeStream(): Conversion {
    const conversion = pool.take();
    conversion.streams = true;
    return conversion;
  }

  release(): void {
    super.release();
    pool.release(this);
  }

  get request(): RequestReader {
    return this.generateRequest;
  }

  get contents(): RawContents {
    return this.generateRequest.contents;
  }

  get reply(): ReplyWriter {
    return this.generateResponse;
  }

  get rpc(): Bytes {
    return this.streams || this.gathers ? MODEL_STREAM_INFER : MODEL_INFER;
  }

  get isOpenInference(): bool {
    return true;
  }

  get eventType(): Bytes {
    return EVENTS;
  }

  get replies(): i32 {
    return this.generateResponse.replies;
  }

  describe(model: ModelDescription, _operation: Operation): void {
    this.generateRequest.reset(model, route.model, route.version);
    this.gathers = model.decoupled && !this.streams;
  }

  start(_http: HttpContext, _task: Task): LocalReply | null {
    if (this.streams) this.streamForm = Form.Events;
    return null;
  }

  startReply(): void {
    const form = this.streams ? Form.Events : Form.Json;
    const streaming = this.streams || this.gathers;
    this.generateResponse.reset(form, this.policy.maxResponseBytes, 0, null, streaming);
  }
}
