import { Bytes, bytes } from "../sdk/bytes/bytes";
import { HttpContext } from "../sdk/pipeline/http-context";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { Conversion } from "./conversion";
import { IndexRequest } from "./open-inference/index-request";
import { REPOSITORY_INDEX } from "./open-inference/statistics";
import { WholeMessage } from "./protobuf/whole-message";
import { Task } from "./task";

const RPC = bytes("/inference.GRPCInferenceService/RepositoryIndex");

const pool: StreamPool<IndexConversion> = new StreamPool<IndexConversion>();

/** `POST /v2/repository/index` with a body; without one it is a question. */
export class IndexConversion extends Conversion {
  private readonly indexRequest: IndexRequest = new IndexRequest();
  private readonly indexReply: WholeMessage = new WholeMessage(REPOSITORY_INDEX);

  static take(): Conversion {
    return pool.take();
  }

  release(): void {
    super.release();
    pool.release(this);
  }

  get request(): RequestReader {
    return this.indexRequest;
  }

  get reply(): ReplyWriter {
    return this.indexReply;
  }

  get rpc(): Bytes {
    return RPC;
  }

  get isOpenInference(): bool {
    return true;
  }

  start(_http: HttpContext, _task: Task): LocalReply | null {
    this.indexRequest.reset();
    return null;
  }

  startReply(): void {
    this.indexReply.reset(this.policy.maxResponseBytes);
  }
}
