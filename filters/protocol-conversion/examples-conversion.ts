import { Bytes, bytes } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { Conversion } from "./conversion";
import { Task } from "./task";
import { ExamplesRequest } from "./tensorflow-serving/examples-request";
import { appendModelSpec } from "./tensorflow-serving/model-spec";
import { ResultsResponse } from "./tensorflow-serving/results-response";

const CLASSIFY = bytes("/tensorflow.serving.PredictionService/Classify");
const REGRESS = bytes("/tensorflow.serving.PredictionService/Regress");

const pool: StreamPool<ExamplesConversion> = new StreamPool<ExamplesConversion>();

/** `:classify` and `:regress` of TensorFlow Serving. */
export class ExamplesConversion extends Conversion {
  private readonly examplesRequest: ExamplesRequest = new ExamplesRequest();
  private readonly resultsResponse: ResultsResponse = new ResultsResponse();
  private classifies: bool = false;

  private static take(classifies: bool): ExamplesConversion {
    const conversion = pool.take();
    conversion.classifies = classifies;
    return conversion;
  }

  static takeClassify(): Conversion {
    return ExamplesConversion.take(true);
  }

  static takeRegress(): Conversion {
    return ExamplesConversion.take(false);
  }

  release(): void {
    super.release();
    pool.release(this);
  }

  get request(): RequestReader {
    return this.examplesRequest;
  }

  get reply(): ReplyWriter {
    return this.resultsResponse;
  }

  get rpc(): Bytes {
    return this.classifies ? CLASSIFY : REGRESS;
  }

  start(_http: HttpContext, _task: Task): LocalReply | null {
    this.examplesRequest.reset();
    appendModelSpec(this.examplesRequest.spec);
    return null;
  }

  startReply(): void {
    this.resultsResponse.reset(this.classifies, this.policy.maxResponseBytes);
  }
}
