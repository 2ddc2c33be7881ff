import { NOT_PASSED } from "../model-protocol/common-replies";
import { OpenAiOperation, openAiOperation } from "../model-protocol/openai-path";
import { Operation, parseRoute, route } from "../model-protocol/route";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import { LocalReply } from "../sdk/pipeline/local-reply";
import { Conversion } from "./conversion";
import { ExamplesConversion } from "./examples-conversion";
import { GenerateConversion } from "./generate/generate-conversion";
import { IndexConversion } from "./index-conversion";
import { InferConversion } from "./infer-conversion";
import { MODEL_METADATA, READY, SERVER_LIVE, SERVER_METADATA } from "./open-inference/metadata";
import { MODEL_CONFIG } from "./open-inference/model-config";
import { appendModelRequest } from "./open-inference/model-request";
import { MODEL_STATISTICS, REPOSITORY_INDEX } from "./open-inference/statistics";
import { OpenAiConversion } from "./openai/openai-conversion";
import { PredictConversion } from "./predict-conversion";
import { Question } from "./question";
import { USE_GET, USE_POST } from "./replies";
import { Task } from "./task";
import { MODEL_STATUS, SIGNATURE_METADATA } from "./tensorflow-serving/metadata";
import { appendMetadataRequest, appendStatusRequest } from "./tensorflow-serving/model-spec";

/** The one table of operations: how each is asked for, and what answers it. */

const GET = bytes("GET");
/** Envoy leaves out the body of the answer (RFC 9110, section 9.3.2). */
const HEAD = bytes("HEAD");
const POST = bytes("POST");

/** A row: an operation has a question, asked without a body, a body to convert, or both; or it is refused. */
class Handler {
  /** What all requests are refused with; null: none. */
  refusal: LocalReply | null = null;
  /** Must the model's inputs be known before a body is converted? */
  needsDescription: bool = false;
  private take: (() => Conversion) | null = null;

  constructor(
    private readonly method: Bytes,
    /** What a request with another method is refused with. */
    readonly wrongMethod: LocalReply,
    readonly question: Question | null,
  ) {}

  takesMethod(ptr: usize, len: i32): bool {
    return this.method.equals(ptr, len) || (this.method == GET && HEAD.equals(ptr, len));
  }

  orConverts(take: () => Conversion): Handler {
    this.take = take;
    return this;
  }

  ofDescribed(): Handler {
    this.needsDescription = true;
    return this;
  }

  /** Is a request's body converted, if it has one? */
  get converts(): bool {
    return this.take != null;
  }

  /** A conversion of its kind, for one stream; of a row that converts. */
  takeConversion(): Conversion {
    return this.take!();
  }
}

function asks(question: Question): Handler {
  return new Handler(GET, USE_GET, question);
}

function converts(take: () => Conversion): Handler {
  return new Handler(POST, USE_POST, null).orConverts(take);
}

function refuses(reply: LocalReply): Handler {
  const handler = new Handler(GET, USE_GET, null);
  handler.refusal = reply;
  return handler;
}

const INFERENCE = "/inference.GRPCInferenceService/";
const MODELS = "/tensorflow.serving.ModelService/";
const PREDICTION = "/tensorflow.serving.PredictionService/";

// A new operation does not compile before it has a row here, and this number counts it.
if (Operation.Count != 21) ERROR("each Operation needs a row in filters/protocol-conversion/operations.ts");
const table = new StaticArray<Handler | null>(Operation.Count);

table[Operation.ServerMetadata] = asks(
  new Question(`${INFERENCE}ServerMetadata`, SERVER_METADATA, appendModelRequest),
);
table[Operation.ServerLive] = asks(
  new Question(`${INFERENCE}ServerLive`, SERVER_LIVE, appendModelRequest).orNo(),
);
table[Operation.ServerReady] = asks(
  new Question(`${INFERENCE}ServerReady`, READY, appendModelRequest).orNo(),
);
table[Operation.ModelMetadata] = asks(
  new Question(`${INFERENCE}ModelMetadata`, MODEL_METADATA, appendModelRequest),
);
table[Operation.ModelReady] = asks(new Question(`${INFERENCE}ModelReady`, READY, appendModelRequest).orNo());
table[Operation.ModelConfig] = asks(
  new Question(`${INFERENCE}ModelConfig`, MODEL_CONFIG, appendModelRequest),
);
table[Operation.ModelStatistics] = asks(
  new Question(`${INFERENCE}ModelStatistics`, MODEL_STATISTICS, appendModelRequest),
);
table[Operation.RepositoryIndex] = new Handler(
  POST,
  USE_POST,
  new Question(`${INFERENCE}RepositoryIndex`, REPOSITORY_INDEX, appendModelRequest),
).orConverts(IndexConversion.take);
table[Operation.Management] = refuses(NOT_PASSED);
table[Operation.ModelStatus] = asks(
  new Question(`${MODELS}GetModelStatus`, MODEL_STATUS, appendStatusRequest),
);
table[Operation.SignatureMetadata] = asks(
  new Question(`${PREDICTION}GetModelMetadata`, SIGNATURE_METADATA, appendMetadataRequest),
);
table[Operation.Infer] = converts(InferConversion.take);
table[Operation.Generate] = converts(GenerateConversion.take).ofDescribed();
table[Operation.GenerateStream] = converts(GenerateConversion.takeStream).ofDescribed();
table[Operation.ChatCompletions] = converts(OpenAiConversion.take).ofDescribed();
table[Operation.Completions] = converts(OpenAiConversion.take).ofDescribed();
table[Operation.Embeddings] = converts(OpenAiConversion.take).ofDescribed();
table[Operation.Predict] = converts(PredictConversion.take);
table[Operation.Classify] = converts(ExamplesConversion.takeClassify);
table[Operation.Regress] = converts(ExamplesConversion.takeRegress);

// The module does not start without one of them.
for (let operation = Operation.None + 1; operation < Operation.Count; operation++)
  assert(table[operation] != null);

/**
 * Which operation a request for `task` is; sets `route`.
 */
export function operationOf(path: Slice, task: Task): Operation {
  const mapping = task.openAi;
  if (mapping == null) return parseRoute(path);
  const operation = openAiOperation(path);
  const converted =
    operation == OpenAiOperation.ChatCompletions ||
    operation == OpenAiOperation.Completions ||
    operation == OpenAiOperation.Embeddings;
  if (!converted) return parseRoute(path);
  route.version.clear();
  route.model.clear();
  route.model.append(mapping.model.ptr, mapping.model.len);
  if (operation == OpenAiOperation.ChatCompletions) return Operation.ChatCompletions;
  return operation == OpenAiOperation.Completions ? Operation.Completions : Operation.Embeddings;
}

/** What handles an operation; null of `Operation.None`. */
export function handlerOf(operation: Operation): Handler | null {
  return table[operation];
}
