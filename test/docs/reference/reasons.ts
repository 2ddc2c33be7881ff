/** Why a caller's request got an answer that is not the model's. */
export interface Reason {
  reason: string;
  /** HTTP status; gRPC callers get the status beside it. */
  status: number;
  grpc: string;
  /** What happened. */
  cause: string;
  /** What the caller, or whoever runs the gateway, can do. */
  remedy: string;
}

export interface ReasonGroup {
  /** What answers so. */
  title: string;
  reasons: Reason[];
}

const reason = (name: string, status: number, grpc: string, cause: string, remedy: string): Reason => ({
  ...{ reason: name, status, grpc, cause, remedy },
});
const unauthenticated = (name: string, cause: string, remedy: string) =>
  reason(name, 401, "UNAUTHENTICATED", cause, remedy);
const forbidden = (name: string, cause: string, remedy: string) =>
  reason(name, 403, "PERMISSION_DENIED", cause, remedy);
const invalid = (name: string, cause: string, remedy: string) =>
  reason(name, 400, "INVALID_ARGUMENT", cause, remedy);
const limited = (name: string, cause: string, remedy: string) =>
  reason(name, 429, "RESOURCE_EXHAUSTED", cause, remedy);

const VERIFY = "`modelgate credentials verify` tells why";

/**
 * Each `reason` that a caller can get, by the stage that gives it. A test compares the list with the filters'
 * code.
 */
export const REASONS: ReasonGroup[] = [
  {
    title: "Authentication",
    reasons: [
      unauthenticated(
        "credential_missing",
        "The request has no credential.",
        "Send one: `x-api-key`, `Authorization: Bearer`, a signature, or a client certificate.",
      ),
      unauthenticated(
        "credential_unknown",
        "No tenant of this gateway has that key, or the certificate's name.",
        `Check key and gateway: ${VERIFY}.`,
      ),
      unauthenticated(
        "credential_disabled",
        "The credential has `enabled: false`.",
        "Enable it in the Tenant.",
      ),
      unauthenticated(
        "credential_expired",
        "Its `notAfter` is over.",
        "Rotate it: `modelgate credentials rotate`.",
      ),
      unauthenticated(
        "credential_not_yet_valid",
        "Its `notBefore` is still to come.",
        "Wait, or change the Tenant; check the clocks.",
      ),
      unauthenticated(
        "credential_revoked",
        "It was revoked.",
        "Create another: `modelgate credentials create`.",
      ),
      invalid("credential_ambiguous", "The request has several credentials.", "Send one."),
      reason(
        "keys_unavailable",
        503,
        "UNAVAILABLE",
        "The issuer's key set has not been fetched yet.",
        "Retry; check that the gateway reaches `jwksUri`.",
      ),
    ],
  },
  {
    title: "JSON Web Tokens",
    reasons: [
      unauthenticated("token_too_large", "The token is over 16 KiB.", "Ask the issuer for fewer claims."),
      unauthenticated("token_malformed", "It is not a JSON Web Token.", "Send the token as it was issued."),
      unauthenticated(
        "token_algorithm",
        "Its algorithm is not accepted of this issuer.",
        "Sign with another, or name it in `algorithms` of the issuer.",
      ),
      unauthenticated(
        "token_issuer",
        "The claim `iss` is no issuer of the Tenant.",
        "Compare it with `spec.jwtIssuers`, to the last slash.",
      ),
      unauthenticated(
        "token_key_unknown",
        "The issuer's key set has no key with its `kid`.",
        "A fetched set is fetched again within 10 s: retry; check the issuer's key set.",
      ),
      unauthenticated(
        "token_signature",
        "The signature is wrong.",
        "Get a new token; check that the key set is the issuer's.",
      ),
      unauthenticated("token_expired", "The claim `exp` is over.", "Get a new token; check the clocks."),
      unauthenticated("token_not_yet_valid", "The claim `nbf` is still to come.", "Wait; check the clocks."),
      unauthenticated(
        "token_audience",
        "The claim `aud` is none of the issuer's `audiences`.",
        "Ask the issuer for a token with that audience.",
      ),
      unauthenticated(
        "token_client",
        "The claim `client_id` is none of the issuer's `clientIds`.",
        "Ask the issuer for a token of that client, or add the client to `clientIds`.",
      ),
      unauthenticated(
        "token_claims",
        "A claim is missing or of the wrong type.",
        "Compare the token with `requireExpiry`, `subjectClaim`, `tenantClaim` and `tasksClaim`.",
      ),
      unauthenticated("token_revoked", "Its `jti` was revoked.", "Get a new token."),
    ],
  },
  {
    title: "Signed requests",
    reasons: [
      unauthenticated(
        "signature_malformed",
        "`Signature-Input` or `Signature` cannot be read.",
        "Write them as RFC 9421 does, with one space between components.",
      ),
      unauthenticated(
        "signature_component",
        "The signature covers a component that is not supported or not in the request; the sentence names it.",
        "Leave it out. `Content-Digest` needs `sha-256`; only `@query-param` may have a parameter.",
      ),
      unauthenticated(
        "signature_incomplete",
        "The signature does not cover all that it must.",
        "Cover `@method`, `@path`, `@query`, `taskid`, `version`, `content-digest`, and what `signature.components` adds.",
      ),
      unauthenticated(
        "signature_expired",
        "`created` is too old or in the future.",
        "Check the clocks; sign each request anew.",
      ),
      unauthenticated(
        "signature_wrong",
        "The signature is wrong.",
        "Check secret, `keyid` and signature base.",
      ),
      unauthenticated(
        "signature_replayed",
        "The nonce, or the signature without one, was used before.",
        "Make a new nonce for each request, retries too.",
      ),
      unauthenticated(
        "digest_wrong",
        "The body is not the one that was signed.",
        "Compute `Content-Digest` over the bytes that are sent.",
      ),
      reason(
        "replay_window_full",
        503,
        "UNAVAILABLE",
        "Too many signed requests within the window.",
        "Retry; shorten `signature.maxSkewSeconds`.",
      ),
    ],
  },
  {
    title: "Language models",
    reasons: [
      invalid(
        "body_malformed",
        "The body is no JSON object.",
        "Send JSON (RFC 8259), without NaN and comments.",
      ),
      invalid(
        "model_ambiguous",
        "The body names a model twice, or in a member that some servers take for `model`.",
        "Name it once, as `model`.",
      ),
      invalid("model_missing", "The body names no model, or not by a text.", "Send `model`."),
      reason(
        "model_too_late",
        413,
        "RESOURCE_EXHAUSTED",
        "More than 8 MiB stand before `model`.",
        "Write `model` first.",
      ),
      reason(
        "bodies_held",
        503,
        "RESOURCE_EXHAUSTED",
        "Too many bodies at once that have not named their model yet.",
        "Retry; write `model` first.",
      ),
      reason(
        "content_encoding_model",
        415,
        "INVALID_ARGUMENT",
        "The body is encoded, so its model can't be read.",
        "Send it without `content-encoding`.",
      ),
      reason(
        "model_not_found",
        404,
        "NOT_FOUND",
        "No task of the tenant has a model of this name, or not this version.",
        "`GET /v1/models` lists those that there are; names are in `spec.openai.models` of the ModelTasks.",
      ),
      invalid(
        "task_disagrees",
        "The headers `taskid` or `version` are not those of the body's model.",
        "Leave the headers out.",
      ),
      reason(
        "openai_path_not_passed",
        404,
        "UNIMPLEMENTED",
        "A path or method of a language model's server that the gateway does not pass.",
        "Ask the model server itself.",
      ),
      reason(
        "model_unread",
        503,
        "UNAVAILABLE",
        "The filter in front of the gateway's is missing, so nothing read the body's model.",
        "`modelgate apply` makes the EnvoyFilter `<gateway>-model-name`; look at it and at the pod's Envoy.",
      ),
      reason(
        "model_server_key_locked",
        503,
        "UNAVAILABLE",
        "The pod has no key that opens the model server's API key.",
        "Give the pods the sealing key, or apply anew: see `spec.gateway.sealingKey`.",
      ),
    ],
  },
  {
    title: "Permissions",
    reasons: [
      invalid("task_missing", "The header `taskid` is missing.", "Send it."),
      invalid(
        "task_ambiguous",
        "Several `taskid` or `version` headers.",
        "Send one `taskid` and at most one `version`.",
      ),
      forbidden(
        "task_forbidden",
        "Tenant or credential may not call this task, or there is none with that id.",
        "Add it to `spec.tasks` of the Tenant, or to `tasks` of the credential.",
      ),
      forbidden(
        "version_forbidden",
        "The credential may not call this version.",
        "Name it in `versions`, or call another.",
      ),
      forbidden(
        "inspection_forbidden",
        "The credential may call the task, but not ask for configuration, statistics or the index of its model server.",
        "Set `inspect: true` in `spec.tasks` of the Tenant, and in `tasks` of the credential if it has some.",
      ),
      forbidden("method_forbidden", "The credential may not use this method.", "Add it to its `methods`."),
      forbidden("host_forbidden", "The credential may not call this host.", "Add it to its `hosts`."),
      forbidden(
        "origin_forbidden",
        "A browser asked whether a page of this origin may call (a preflight): none may.",
        "Add the origin to `cors` of the Tenant or of the ModelTask.",
      ),
    ],
  },
  {
    title: "Limits",
    reasons: [
      limited(
        "task_rate_limited",
        "The task is over its rate.",
        "Retry after `Retry-After`; raise `spec.limits`, or scale a task with `perReplica`.",
      ),
      limited(
        "tenant_rate_limited",
        "The tenant is over its rate.",
        "Retry after `Retry-After`; raise `spec.limits` of the Tenant.",
      ),
      limited(
        "credential_rate_limited",
        "The credential is over its rate.",
        "Retry after `Retry-After`; raise the credential's limit.",
      ),
      limited(
        "task_tokens_limited",
        "The task is over its rate of tokens: what the call may take at most is more than there is.",
        "Retry after `Retry-After`, or ask for fewer `max_tokens`; raise `spec.openai.tokenLimits`.",
      ),
      limited(
        "tenant_tokens_limited",
        "The tenant is over its rate of tokens.",
        "Retry after `Retry-After`, or ask for fewer `max_tokens`; raise `spec.tokenLimits` of the Tenant.",
      ),
      limited(
        "budget_spent",
        "Less is left of a budget of the Tenant in this period than the call may take.",
        "Ask for fewer `max_tokens`, wait for the next period, or `modelgate budgets top-up`: [Budgets](../operate/budgets.md).",
      ),
      limited(
        "budget_waits",
        "The gateway has not enough of a budget at hand, as with the first call of a period: it asks the controller.",
        "Retry after `Retry-After`, 1 s. If it stays: does the controller run, and keep budgets?",
      ),
      limited(
        "descriptor_rate_limited",
        "A limit on a header's value or a path was reached.",
        "Retry after `Retry-After`; the message names the limit.",
      ),
      reason(
        "task_concurrency_limited",
        503,
        "UNAVAILABLE",
        "The task has too many requests in flight.",
        "Retry; scale the model server, or raise `maxInFlightPerReplica`.",
      ),
      limited(
        "credential_concurrency_limited",
        "The credential has its share of the task's requests in flight.",
        "Wait for answers before you send more; raise `spec.credentialShare` of the Tenant.",
      ),
      invalid(
        "cost_malformed",
        "The header that says the cost is not one whole number within its limit.",
        "Send a whole number.",
      ),
    ],
  },
  {
    title: "Conversion",
    reasons: [
      reason(
        "path_unknown",
        404,
        "NOT_FOUND",
        "The path is none of the protocol's.",
        "See `/v2` and `/v1/models/{model}`.",
      ),
      reason(
        "management_not_passed",
        404,
        "UNIMPLEMENTED",
        "The request would manage the model server: load or unload, shared memory, trace or log settings.",
        "Ask the model server itself, within the cluster; send tensors in the body instead of shared memory.",
      ),
      reason(
        "replies_not_one",
        500,
        "INTERNAL",
        "A decoupled model gave several replies to `generate`, or none. Where headers can't wait, the status is 200, and the error is the body.",
        "Use `generate_stream`; of OpenAI's API ask for a stream.",
      ),
      reason(
        "prompt_input_missing",
        500,
        "FAILED_PRECONDITION",
        "The model has no input of the name by which the task calls it with a text.",
        "Name it in `spec.openai.tensors.prompt` of the ModelTask.",
      ),
      reason(
        "stream_empty",
        204,
        "OK",
        "The model ended a stream without a reply. Where headers can't wait, the status is 200.",
        "Nothing, if the model may do so.",
      ),
      reason(
        "stream_timeout",
        504,
        "DEADLINE_EXCEEDED",
        "A stream took longer than `stream.timeout` of its ModelTask. Its status is that of its begin; this error is its last event.",
        "Give the task a longer `stream.timeout`, or ask for less at once.",
      ),
      reason(
        "signatures_missing",
        404,
        "NOT_FOUND",
        "The gateway knows no signatures of the task.",
        "Put what `modelgate task discover` prints into the ModelTask.",
      ),
      reason(
        "method_not_allowed",
        405,
        "UNIMPLEMENTED",
        "GET where POST belongs, or the reverse.",
        "See the header `allow`.",
      ),
      invalid(
        "json_malformed",
        "The body is no JSON, or not that of the protocol.",
        "The message names byte and path, such as `inputs[0].data[1]`.",
      ),
      invalid(
        "raw_tensor",
        "A raw tensor lacks name, datatype or shape, or its length does not fit.",
        "Send the `x-tensor-*` headers, or set `spec.conversion.raw`.",
      ),
      invalid(
        "binary_length",
        "The body is not as long as its header and sizes say.",
        "Check `binary_data_size`.",
      ),
      invalid(
        "header_length",
        "`Inference-Header-Content-Length` is not the length of the JSON.",
        "Send the bytes of JSON before the binary data.",
      ),
      invalid(
        "encoded_body_malformed",
        "The body is no gzip or deflate (zlib's format, RFC 1950), is cut, or its checksum is wrong.",
        "Send it as its `Content-Encoding` says, or without one.",
      ),
      reason(
        "decompressed_too_large",
        413,
        "RESOURCE_EXHAUSTED",
        "Decompressed, the body is over `maxBytes`, or over 1 MiB and `maxRatio` times its own size.",
        "Send less, or raise them in `spec.compression.requests`.",
      ),
      invalid("request_trailers", "The body has trailers.", "Send it without."),
      reason(
        "body_too_large",
        413,
        "RESOURCE_EXHAUSTED",
        "The body is over `maxRequestBytes`.",
        "Send less, or raise `spec.conversion.maxRequestBytes`.",
      ),
      reason(
        "content_encoding",
        415,
        "INVALID_ARGUMENT",
        "The body is compressed, and the gateway decompresses none, or none in that way.",
        "Send it plain or, where the Tenant has `spec.compression.requests`, in gzip or deflate.",
      ),
      reason(
        "memory_exhausted",
        503,
        "RESOURCE_EXHAUSTED",
        "The gateway converts too many bodies at once.",
        "Retry; add gateway pods, or raise `maxMemoryBytes`.",
      ),
      reason(
        "converter_pending",
        503,
        "UNAVAILABLE",
        "The task has got a converter, which is on its way to this gateway.",
        "Try again in a second. If it stays: `modelgate status`, and the EnvoyFilter of the converters.",
      ),
      invalid("body_missing", "A converter's task was called without a body.", "Send one."),
      invalid(
        "converter_refused",
        "The task's converter takes no such request.",
        "The message is the converter's.",
      ),
    ],
  },
  {
    title: "Routing",
    reasons: [
      reason(
        "task_unknown",
        404,
        "UNIMPLEMENTED",
        "The gateway's match tree has no such task (`gateway.routing`); where authentication is on, `task_forbidden` comes first.",
        "Check the id, and that the ModelTask is applied.",
      ),
      reason(
        "version_unknown",
        404,
        "UNIMPLEMENTED",
        "The task has no such version.",
        "Send one of `spec.versions` in the header `version`, or none.",
      ),
      reason(
        "filter_missing",
        503,
        "UNAVAILABLE",
        "The gateway's Envoy runs no filter that checked the request, so it refuses it.",
        "`modelgate status` tells which pods; see that the WasmPlugin is there, and that its image marks what it passes (0.1.0 or newer).",
      ),
    ],
  },
  {
    title: "Model server",
    reasons: [
      reason(
        "upstream_error",
        503,
        "UNAVAILABLE",
        "The model server did not answer, or (504) not within the task's timeout.",
        "See `upstream_host` and `response_flags` in the access log; check the pods, and `spec.timeout`.",
      ),
      reason(
        "model_error_N",
        0,
        "N",
        "The model server answered with gRPC status N; the message is its own.",
        "See the model server's log. HTTP callers get the status that stands for N.",
      ),
      reason(
        "model_reply_malformed",
        502,
        "INTERNAL",
        "The model server's reply is cut off, compressed, malformed, or over `maxResponseBytes`.",
        "Check its protocol and version, and `spec.conversion`.",
      ),
      reason(
        "converter_failed",
        502,
        "INTERNAL",
        "The task's converter could make no answer of the model's reply.",
        "The message is the converter's.",
      ),
    ],
  },
];
