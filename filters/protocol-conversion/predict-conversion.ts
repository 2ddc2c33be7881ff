import { Datatype } from "../model-protocol/datatype";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { Conversion } from "./conversion";
import { NO_SIGNATURES, RAW_TENSOR } from "./replies";
import { Task } from "./task";
import { RawContents } from "./tensor/raw-contents";
import { isRaw, rawTensor } from "./tensor/raw-tensor";
import { appendModelSpec } from "./tensorflow-serving/model-spec";
import { PredictRequest } from "./tensorflow-serving/predict-request";
import { PredictResponse } from "./tensorflow-serving/predict-response";
import { startRawPredict } from "./tensorflow-serving/raw-predict";
import { RawStringsRequest } from "./tensorflow-serving/raw-strings-request";

const PREDICT = bytes("/tensorflow.serving.PredictionService/Predict");

const pool: StreamPool<PredictConversion> = new StreamPool<PredictConversion>();

/** `:predict` of TensorFlow Serving: rows, columns, or a raw tensor. */
export class PredictConversion extends Conversion {
  private readonly predictRequest: PredictRequest = new PredictRequest();
  private readonly rawContents: RawContents = new RawContents();
  private readonly rawHead: ByteBuffer = new ByteBuffer();
  private readonly rawStrings: RawStringsRequest = new RawStringsRequest();
  private readonly predictResponse: PredictResponse = new PredictResponse();
  /** The body is a raw tensor of strings. */
  private ofRawStrings: bool = false;

  static take(): Conversion {
    return pool.take();
  }

  release(): void {
    super.release();
    pool.release(this);
  }

  get request(): RequestReader {
    return this.ofRawStrings ? this.rawStrings : this.predictRequest;
  }

  get contents(): RawContents {
    return this.rawContents;
  }

  get reply(): ReplyWriter {
    return this.predictResponse;
  }

  get rpc(): Bytes {
    return PREDICT;
  }

  start(http: HttpContext, task: Task): LocalReply | null {
    const predict = this.predictRequest;
    this.ofRawStrings = false;
    const raw = isRaw(http.headers);
    if (raw && !rawTensor.read(http.headers, task.raw)) return RAW_TENSOR;
    if (!raw && task.signatures.length == 0) return NO_SIGNATURES;
    predict.reset(task.signatures);
    appendModelSpec(predict.spec);
    if (!raw) return null;
    predict.nameSignature();
    if (rawTensor.datatype == Datatype.BYTES) {
      this.rawStrings.reset(predict.spec);
      this.ofRawStrings = true;
      return null;
    }
    this.startRaw();
    return startRawPredict(this.rawContents, this.rawHead, predict.spec) ? null : RAW_TENSOR;
  }

  startReply(): void {
    this.predictResponse.reset(this.predictRequest.rows.present, this.policy.maxResponseBytes);
  }
}
