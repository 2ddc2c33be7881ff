import { route } from "../model-protocol/route";
import { Bytes, fnv1a } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { Conversion } from "./conversion";
import { learnRoom, roomOf } from "./open-inference/header-room";
import { InferRequest } from "./open-inference/infer-request";
import { InferResponse } from "./open-inference/infer-response";
import { Form } from "./open-inference/reply-json";
import { HEADER_LENGTH, RAW_TENSOR } from "./replies";
import { acceptedStream, headerLength, MODEL_INFER, MODEL_STREAM_INFER } from "./request-headers";
import { Task } from "./task";
import { RawContents } from "./tensor/raw-contents";
import { isRaw, rawTensor, saysTensor } from "./tensor/raw-tensor";

/** Room in the JSON of a binary reply for what is said of one requested output. */
const BINARY_HEADER_PER_OUTPUT: i32 = 512;

/** Room for outputs that the request does not name, or whose data are to be in the JSON. */
const JSON_ROOM: i32 = 64 * 1024;
/** Room for what is said beside the outputs, where the request names them. */
const NAMED_ROOM: i32 = 4096;

const pool: StreamPool<InferConversion> = new StreamPool<InferConversion>();

/**
 * `/infer` of the Open Inference Protocol: JSON, JSON with binary tensor data, or a raw tensor; one reply or
 * a stream.
 */
export class InferConversion extends Conversion {
  private readonly inferRequest: InferRequest = new InferRequest();
  private readonly inferResponse: InferResponse = new InferResponse();
  /** Hash of the model's name. */
  private model: u32 = 0;

  static take(): Conversion {
    return pool.take();
  }

  release(): void {
    const needed = this.inferResponse.neededBytes;
    if (needed > 0) learnRoom(this.model, needed - this.inferRequest.idBytes);
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
    this.model = fnv1a(route.model.ptr, route.model.len);
    this.inferRequest.reset(route.model, route.version);
    return raw && !this.inferRequest.setRaw() ? RAW_TENSOR : null;
  }

  startReply(): void {
    const outputs = this.inferRequest.outputs;
    let form = Form.Json;
    if (this.streamForm >= 0) form = <Form>this.streamForm;
    else if (outputs.anyBinary) form = Form.Binary;
    const mixed = form == Form.Binary && outputs.areMixed;
    const headerBytes = form == Form.Binary ? this.headerBytes(mixed) : 0;
    const named = mixed ? outputs : null;
    this.inferResponse.reset(form, this.policy.maxResponseBytes, headerBytes, named, this.streamForm >= 0);
  }

  /** Room for the JSON of a binary reply: what the request asks for, and what the model's replies take. */
  private headerBytes(mixed: bool): i32 {
    const outputs = this.inferRequest.outputs;
    const asked = outputs.nameBytes + outputs.count * BINARY_HEADER_PER_OUTPUT + this.inferRequest.idBytes;
    const configured = this.policy.binaryHeaderBytes;
    if (configured > 0) return configured + asked;
    if (mixed) return JSON_ROOM + asked;
    return roomOf(this.model, outputs.count == 0 ? JSON_ROOM : NAMED_ROOM) + asked;
  }
}
