import { Operation, route } from "../../model-protocol/route";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { GrpcCode } from "../../sdk/host/grpc-code";
import { HttpStatus } from "../../sdk/host/http-status";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { appendOpenAiError } from "../../sdk/pipeline/openai-error";
import { StreamPool } from "../../sdk/pipeline/stream-pool";
import { ReplyWriter } from "../body/reply-writer";
import { RequestReader } from "../body/request-reader";
import { Conversion } from "../conversion";
import { ModelDescription } from "../generate/model-description";
import { InferResponse } from "../open-inference/infer-response";
import { Form } from "../open-inference/reply-json";
import { MODEL_INFER, MODEL_STREAM_INFER } from "../request-headers";
import { Task } from "../task";
import { RawContents } from "../tensor/raw-contents";
import { EmbeddingsJson } from "./embeddings-json";
import { OpenAiMapping } from "./mapping";
import { OpenAiJson } from "./openai-json";
import { OpenAiRequest } from "./openai-request";

const EVENTS = bytes("text/event-stream; charset=utf-8");
const NO_MODEL: ModelDescription = new ModelDescription();
const NO_MAPPING: OpenAiMapping = new OpenAiMapping();

const PROMPT_MISSING = new LocalReply(
  HttpStatus.INTERNAL_SERVER_ERROR,
  GrpcCode.FAILED_PRECONDITION,
  "prompt_input_missing",
  "the model has no input for the text: its ModelTask names it in spec.openai.tensors.prompt",
);

const pool: StreamPool<OpenAiConversion> = new StreamPool<OpenAiConversion>();

/**
 * Chat completions, completions and embeddings of OpenAI's API, of a task whose model server speaks the Open
 * Inference Protocol. A decoupled model is called by a stream, since only the body says what the caller
 * wants.
 */
export class OpenAiConversion extends Conversion {
  private readonly openAiRequest: OpenAiRequest = new OpenAiRequest();
  private readonly json: OpenAiJson = new OpenAiJson();
  private readonly embeddingsJson: EmbeddingsJson = new EmbeddingsJson();
  private readonly completions: InferResponse = new InferResponse();
  private readonly embeddings: InferResponse = new InferResponse();
  private operation: Operation = Operation.None;
  private model: ModelDescription = NO_MODEL;
  private mapping: OpenAiMapping = NO_MAPPING;

  static take(): Conversion {
    const conversion = pool.take();
    conversion.completions.writtenBy(conversion.json);
    conversion.embeddings.writtenBy(conversion.embeddingsJson);
    return conversion;
  }

  release(): void {
    super.release();
    this.json.release();
    this.embeddingsJson.release();
    this.model = NO_MODEL;
    this.mapping = NO_MAPPING;
    pool.release(this);
  }

  get request(): RequestReader {
    return this.openAiRequest;
  }

  get contents(): RawContents {
    return this.openAiRequest.contents;
  }

  private get response(): InferResponse {
    return this.operation == Operation.Embeddings ? this.embeddings : this.completions;
  }

  get reply(): ReplyWriter {
    return this.response;
  }

  get rpc(): Bytes {
    return this.model.decoupled ? MODEL_STREAM_INFER : MODEL_INFER;
  }

  get isOpenInference(): bool {
    return true;
  }

  get mayStream(): bool {
    return this.model.decoupled;
  }

  get eventType(): Bytes {
    return EVENTS;
  }

  get replies(): i32 {
    return this.response.replies;
  }

  describe(model: ModelDescription, operation: Operation): void {
    this.model = model;
    this.operation = operation;
  }

  start(http: HttpContext, task: Task): LocalReply | null {
    const mapping = task.openAi!;
    http.openAi = true;
    this.mapping = mapping;
    this.gathers = this.model.decoupled;
    this.openAiRequest.reset(this.model, mapping, this.operation, route.model);
    return this.model.find(mapping.prompt.ptr, mapping.prompt.len) < 0 ? PROMPT_MISSING : null;
  }

  requestRead(): void {
    if (!this.openAiRequest.streams || this.operation == Operation.Embeddings) return;
    this.streamForm = Form.Events;
    this.gathers = false;
  }

  startReply(): void {
    const form = this.streamForm >= 0 ? Form.Events : Form.Json;
    const decoupled = this.model.decoupled;
    if (this.operation == Operation.Embeddings)
      this.embeddingsJson.begin(this.mapping, this.openAiRequest.modelName);
    else this.json.begin(this.mapping, this.operation, this.openAiRequest, decoupled);
    this.response.reset(form, this.policy.maxResponseBytes, 0, null, decoupled);
  }

  appendError(out: ByteBuffer, error: LocalReply): void {
    const message = error.message;
    appendOpenAiError(out, error.status, error.reason, message.ptr, message.len);
  }
}
