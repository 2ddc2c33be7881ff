import { bytes } from "../sdk/bytes/bytes";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";

/**
 * What model-name.wasm tells gateway.wasm of the body of a call to OpenAI's API, in filter state, which no
 * client can set: a byte that is a ModelFault, then the model's name where there is none.
 */
export const MODEL_STATE = bytes("modelgate.model");

/** Why a body names no model. */
export enum ModelFault {
  None,
  Malformed,
  Missing,
  Ambiguous,
  TooLarge,
  Overloaded,
  Encoded,
  /** How many there are. */
  Count,
}

/** Longest name of a model, in bytes. */
export const LONGEST_MODEL: i32 = 512;

function badRequest(reason: string, message: string): LocalReply {
  return new LocalReply(HttpStatus.BAD_REQUEST, GrpcCode.INVALID_ARGUMENT, reason, message);
}

const BODY_MALFORMED = badRequest("body_malformed", "the body must be a JSON object (RFC 8259)");
const MODEL_AMBIGUOUS = badRequest(
  "model_ambiguous",
  "the body must name its model once, in a member that is written model",
);
const MODEL_MISSING = badRequest("model_missing", "the body must name a model: a text in its member model");
const MODEL_TOO_LATE = new LocalReply(
  HttpStatus.CONTENT_TOO_LARGE,
  GrpcCode.RESOURCE_EXHAUSTED,
  "model_too_late",
  "the model is named behind more bytes than the gateway holds: send the member model first",
);
const OVERLOADED = new LocalReply(
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.RESOURCE_EXHAUSTED,
  "bodies_held",
  "the gateway holds too many bodies that do not name their model yet",
);
const ENCODED = new LocalReply(
  HttpStatus.UNSUPPORTED_MEDIA_TYPE,
  GrpcCode.INVALID_ARGUMENT,
  "content_encoding_model",
  "send the body without content-encoding: the gateway reads its model",
);

/** What a request is answered with whose body names no model. */
export function faultReply(fault: ModelFault): LocalReply {
  switch (fault) {
    case ModelFault.Missing:
      return MODEL_MISSING;
    case ModelFault.Ambiguous:
      return MODEL_AMBIGUOUS;
    case ModelFault.TooLarge:
      return MODEL_TOO_LATE;
    case ModelFault.Overloaded:
      return OVERLOADED;
    case ModelFault.Encoded:
      return ENCODED;
    default:
      return BODY_MALFORMED;
  }
}
