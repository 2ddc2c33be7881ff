import { RETRY_AFTER, WWW_AUTHENTICATE } from "../sdk/bytes/header-names";
import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { LocalReply } from "../sdk/pipeline/local-reply";

/**
 * Every answer that tenant-auth gives instead of the model. The reason is stable; the sentence tells nothing
 * secret.
 */

function unauthenticated(reason: string, message: string, error: string): LocalReply {
  const realm = 'Bearer realm="modelgate"';
  const challenge = error.length > 0 ? `${realm}, error="${error}"` : realm;
  return new LocalReply(HttpStatus.UNAUTHORIZED, GrpcCode.UNAUTHENTICATED, reason, message).withHeader(
    WWW_AUTHENTICATE,
    challenge,
  );
}

/** RFC 6750, section 3.1. */
function invalid(reason: string, message: string): LocalReply {
  return unauthenticated(reason, message, "invalid_token");
}

function badRequest(reason: string, message: string): LocalReply {
  return new LocalReply(HttpStatus.BAD_REQUEST, GrpcCode.INVALID_ARGUMENT, reason, message);
}

function forbidden(reason: string, message: string): LocalReply {
  return new LocalReply(HttpStatus.FORBIDDEN, GrpcCode.PERMISSION_DENIED, reason, message);
}

function unavailable(reason: string, message: string): LocalReply {
  return new LocalReply(HttpStatus.SERVICE_UNAVAILABLE, GrpcCode.UNAVAILABLE, reason, message).withHeader(
    RETRY_AFTER,
    "1",
  );
}

export const CREDENTIAL_MISSING = unauthenticated("credential_missing", "a credential is required", "");
export const CREDENTIAL_UNKNOWN = invalid("credential_unknown", "the credential is not valid");
export const CREDENTIAL_DISABLED = invalid("credential_disabled", "the credential is switched off");
export const CREDENTIAL_EXPIRED = invalid("credential_expired", "the credential has expired");
export const CREDENTIAL_NOT_YET_VALID = invalid(
  "credential_not_yet_valid",
  "the credential is not valid yet",
);
export const CREDENTIAL_REVOKED = invalid("credential_revoked", "the credential is revoked");
export const CREDENTIAL_AMBIGUOUS = badRequest("credential_ambiguous", "send one credential, not several");

export const TOKEN_TOO_LARGE = invalid("token_too_large", "the token is too large");
export const TOKEN_MALFORMED = invalid("token_malformed", "the token is not a JSON Web Token");
export const TOKEN_ALGORITHM = invalid("token_algorithm", "the token's algorithm is not accepted");
export const TOKEN_ISSUER = invalid("token_issuer", "the token's issuer is not known");
export const TOKEN_KEY_UNKNOWN = invalid("token_key_unknown", "the token's key is not known");
export const TOKEN_SIGNATURE = invalid("token_signature", "the token's signature is wrong");
export const TOKEN_EXPIRED = invalid("token_expired", "the token has expired");
export const TOKEN_NOT_YET_VALID = invalid("token_not_yet_valid", "the token is not valid yet");
export const TOKEN_AUDIENCE = invalid("token_audience", "the token is for another audience");
export const TOKEN_CLIENT = invalid("token_client", "the token's client is not accepted");
export const TOKEN_CLAIMS = invalid("token_claims", "a claim of the token is missing or of the wrong type");
export const TOKEN_REVOKED = invalid("token_revoked", "the token is revoked");
export const KEYS_UNAVAILABLE = unavailable("keys_unavailable", "the issuer's keys are not here yet");

export const SIGNATURE_MALFORMED = invalid("signature_malformed", "the request's signature cannot be read");
export const SIGNATURE_INCOMPLETE = invalid(
  "signature_incomplete",
  "the signature does not cover all that it must",
);
/** Its sentence names the component. */
export const SIGNATURE_COMPONENT = invalid(
  "signature_component",
  "the signature covers what is not supported or not in the request",
);
export const SIGNATURE_EXPIRED = invalid("signature_expired", "the signature is too old or from the future");
export const SIGNATURE_WRONG = invalid("signature_wrong", "the request's signature is wrong");
export const SIGNATURE_REPLAYED = invalid("signature_replayed", "the request was sent before");
export const DIGEST_WRONG = invalid("digest_wrong", "the body is not the one that was signed");
export const REPLAY_WINDOW_FULL = unavailable("replay_window_full", "too many signed requests at once");

export const TASK_MISSING = badRequest("task_missing", "the header taskid is required");
export const TASK_AMBIGUOUS = badRequest("task_ambiguous", "send one taskid and at most one version");
export const TASK_FORBIDDEN = forbidden("task_forbidden", "the credential may not call this task");
export const VERSION_FORBIDDEN = forbidden("version_forbidden", "the credential may not call this version");
export const INSPECTION_FORBIDDEN = forbidden(
  "inspection_forbidden",
  "the credential may call this task, but not ask for configuration, statistics or the index of its model server",
);
export const METHOD_FORBIDDEN = forbidden("method_forbidden", "the credential may not use this method");
export const ORIGIN_FORBIDDEN = forbidden("origin_forbidden", "pages of this origin may not call");
export const HOST_FORBIDDEN = forbidden("host_forbidden", "the credential may not call this host");
