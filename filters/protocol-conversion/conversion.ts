import { Operation } from "../model-protocol/route";
import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { StreamState } from "../sdk/pipeline/stream-state";
import { ReplyWriter } from "./body/reply-writer";
import { RequestReader } from "./body/request-reader";
import { InferRequest } from "./open-inference/infer-request";
import { InferResponse } from "./open-inference/infer-response";
import { Policy } from "./policy";
import { ExamplesRequest } from "./tensorflow-serving/examples-request";
import { PredictRequest } from "./tensorflow-serving/predict-request";
import { PredictResponse } from "./tensorflow-serving/predict-response";
import { RawStringsRequest } from "./tensorflow-serving/raw-strings-request";
import { ResultsResponse } from "./tensorflow-serving/results-response";

const free: Conversion[] = [];

/** What one stream's conversion keeps from chunk to chunk. Reused for later streams. */
export class Conversion extends StreamState {
  operation: Operation = Operation.None;
  policy: Policy = changetype<Policy>(0);
  /** The converters of the operation at hand. */
  request: RequestReader = changetype<RequestReader>(0);
  reply: ReplyWriter = changetype<ReplyWriter>(0);

  readonly inferRequest: InferRequest = new InferRequest();
  readonly inferResponse: InferResponse = new InferResponse();
  readonly predictRequest: PredictRequest = new PredictRequest();
  readonly predictResponse: PredictResponse = new PredictResponse();
  readonly rawStrings: RawStringsRequest = new RawStringsRequest();
  readonly examplesRequest: ExamplesRequest = new ExamplesRequest();
  readonly resultsResponse: ResultsResponse = new ResultsResponse();

  /** Bytes of a token that goes on in the next chunk. */
  readonly carry: ByteBuffer = new ByteBuffer();
  /** How many of them no parser saw yet. */
  unread: i32 = 0;
  /** Bytes of request body so far. */
  received: i64 = 0;
  /** Bytes of the body that are JSON; the rest is binary data. */
  jsonBytes: i64 = i64.MAX_VALUE;
  /** The body is one raw tensor, which passes as it is. */
  raw: bool = false;
  /**
   * The body may end in trailers, as it does behind Envoy's decompressor. A filter may change the body in the callback
   * for trailers only if some of it is buffered: one byte is, and `heldBytes` says whether yet.
   */
  mayHaveTrailers: bool = false;
  heldBytes: i32 = 0;
  /** The JSON is converted and the start of the frame handed on. */
  begun: bool = false;
  /** Does the caller want a stream of replies, and as which form? -1 for one reply. */
  streamForm: i32 = -1;
  /** The response is an error text of a proxy and not the model's. */
  upstreamError: bool = false;

  /** Does the caller say how many bytes of the body are JSON? */
  get jsonIsCounted(): bool {
    return this.jsonBytes != i64.MAX_VALUE;
  }

  /** Bytes of JSON that a binary reply starts with; -1 for any other. */
  get announcedBytes(): i32 {
    return this.operation == Operation.Infer ? this.inferResponse.announcedBytes : -1;
  }

  /** The body is one raw tensor, whose bytes pass. */
  startRaw(): void {
    this.raw = true;
    this.jsonBytes = 0;
  }

  release(): void {
    this.request.release();
    this.reply.release();
    free.push(this);
  }
}

export function takeConversion(operation: Operation, policy: Policy): Conversion {
  const conversion = free.length > 0 ? free.pop() : new Conversion();
  conversion.operation = operation;
  conversion.policy = policy;
  if (operation == Operation.Predict) {
    conversion.request = conversion.predictRequest;
    conversion.reply = conversion.predictResponse;
  } else if (operation != Operation.Infer) {
    conversion.request = conversion.examplesRequest;
    conversion.reply = conversion.resultsResponse;
  } else {
    conversion.request = conversion.inferRequest;
    conversion.reply = conversion.inferResponse;
  }
  conversion.carry.clear();
  conversion.unread = 0;
  conversion.received = 0;
  conversion.jsonBytes = i64.MAX_VALUE;
  conversion.begun = false;
  conversion.raw = false;
  conversion.mayHaveTrailers = false;
  conversion.heldBytes = 0;
  conversion.streamForm = -1;
  conversion.upstreamError = false;
  return conversion;
}
