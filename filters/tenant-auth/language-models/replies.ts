import { RETRY_AFTER } from "../../sdk/bytes/header-names";
import { GrpcCode } from "../../sdk/host/grpc-code";
import { HttpStatus } from "../../sdk/host/http-status";
import { LocalReply } from "../../sdk/pipeline/local-reply";

export const PATH_NOT_PASSED = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.UNIMPLEMENTED,
  "openai_path_not_passed",
  "the gateway passes POST to chat/completions, completions, embeddings and responses, and answers GET of models and models/NAME, below /v1 and /openai/v1",
);
export const MODEL_NOT_FOUND = new LocalReply(
  HttpStatus.NOT_FOUND,
  GrpcCode.NOT_FOUND,
  "model_not_found",
  "there is no model of this name that the credential may call; GET /v1/models lists those that there are",
);
export const TASK_DISAGREES = new LocalReply(
  HttpStatus.BAD_REQUEST,
  GrpcCode.INVALID_ARGUMENT,
  "task_disagrees",
  "the body's model is not that of the headers taskid and version: leave the headers out",
);
export const MODEL_UNREAD = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.UNAVAILABLE,
  "model_unread",
  "no filter read the body's model: the gateway's Envoy runs without model-name.wasm, or could not fetch it",
).withHeader(RETRY_AFTER, "1");
export const MODEL_SERVER_KEY_LOCKED = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.UNAVAILABLE,
  "model_server_key_locked",
  "the gateway's pod has no key that opens the model server's API key",
).withHeader(RETRY_AFTER, "1");
