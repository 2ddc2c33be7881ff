/** What tenant-auth checks, in its order. */
export const STEPS = [
  "credential",
  "proof",
  "revocation",
  "validity",
  "headers",
  "method",
  "host",
  "task",
  "version",
  "body",
] as const;
export type Step = (typeof STEPS)[number];

interface Reason {
  /** Where the request failed. */
  step: Step;
  meaning: string;
  /** What the caller, or who runs the gateway, does about it. */
  advice: string;
}

function at(step: Step, reasons: Record<string, [meaning: string, advice: string]>): [string, Reason][] {
  return Object.entries(reasons).map(([name, [meaning, advice]]) => [name, { step, meaning, advice }]);
}

/** Every reason of filters/tenant-auth/replies.ts. */
export const REASONS: ReadonlyMap<string, Reason> = new Map([
  ...at("credential", {
    credential_missing: [
      "the request has no credential that this gateway looks for",
      "send a key in one of the headers of spec.apiKey, a token in Authorization: Bearer, a signature, or a client certificate that a credential names",
    ],
    credential_ambiguous: [
      "the request has several credentials, or one of them twice",
      "send exactly one: look for a proxy or client library that adds another",
    ],
    token_too_large: ["the key or token is larger than 16 KiB", "take claims out of the token"],
  }),
  ...at("proof", {
    credential_unknown: [
      "no credential of the gateway's tenant is proven by it",
      "compare the SHA-256 above with the Tenant's (modelgate credentials list -o wide); a line break at the end of the key changes it; was the configuration applied?",
    ],
    token_malformed: ["it is no JSON Web Token of three parts", "look how the client reads the token"],
    token_algorithm: [
      "the issuer's tokens may not use this algorithm",
      "let the issuer sign with one of its algorithms here, or add it to jwtIssuers[].algorithms",
    ],
    token_issuer: ["its `iss` is no issuer here", "add it to spec.jwtIssuers; it is compared exactly"],
    token_key_unknown: [
      "no key of the issuer has the token's `kid`, or none fits its algorithm",
      "did the issuer rotate its keys? Put the new key set into jwks, or look at jwksUri",
    ],
    token_signature: ["the signature is not of the issuer's key", "get a new token; was it changed or cut?"],
    token_expired: ["the token is over (`exp`)", "get a new one; compare the clocks; see leewaySeconds"],
    token_not_yet_valid: ["the token begins later (`nbf`)", "compare the clocks; see leewaySeconds"],
    token_audience: [
      "its `aud` holds none of the issuer's audiences here",
      "ask the issuer for a token for this audience, or add the audience to jwtIssuers[].audiences",
    ],
    token_client: [
      "its `client_id` is none of the issuer's clients here",
      "get a token of such a client, or add the client to jwtIssuers[].clientIds",
    ],
    token_claims: [
      "a claim that must be there is missing, twice, or of the wrong type",
      "compare the token with jwtIssuers[].claims and requireExpiry",
    ],
    keys_unavailable: [
      "the issuer's keys are not here: offline they are never fetched",
      "give the key set by --jwks; in a gateway: look at its log, at jwksUri and at its cluster",
    ],
    signature_malformed: [
      "the headers Signature-Input and Signature can't be read, or lack created or keyid",
      "see RFC 9421; one signature, hmac-sha256, with created and keyid",
    ],
    signature_component: [
      "the signature covers a header or derived component that is not supported, or that the request lacks",
      "the answer names it; Content-Digest must have sha-256, once",
    ],
    signature_incomplete: [
      "the signature does not cover all that it must",
      "cover @method, @path, @query if there is one, taskid, version if there is one, content-digest if there is a body, and spec.signature.components",
    ],
    signature_expired: [
      "its `created` is too far from now, or its `expires` is past",
      "compare the clocks; see spec.signature.maxSkewSeconds; give the time of the request by --at",
    ],
    signature_wrong: [
      "the signature is not the one that the shared key gives",
      "compare the signature base on both sides; does a proxy change path or host? Is the key the Secret's value, byte by byte?",
    ],
    signature_replayed: ["its nonce was used before", "take a new random nonce for each request"],
    replay_window_full: ["too many signed requests at once", "try again"],
  }),
  ...at("revocation", {
    credential_revoked: [
      "the credential is in spec.revoked",
      "make a new one: modelgate credentials create; a revocation is not taken back",
    ],
    token_revoked: ["the token's `jti` is in spec.revoked", "get a new token"],
  }),
  ...at("validity", {
    credential_disabled: ["the credential is switched off", "see its `reason`; set enabled: true"],
    credential_expired: [
      "its notAfter is past",
      "make a new one, or set a later notAfter; next time modelgate credentials rotate",
    ],
    credential_not_yet_valid: ["its notBefore is yet to come", "wait, or set an earlier notBefore"],
  }),
  ...at("headers", {
    task_missing: ["the header taskid is missing or empty", "name the task in the header taskid"],
    task_ambiguous: [
      "taskid is there twice, or version is",
      "send each once: look for a proxy that adds another",
    ],
  }),
  ...at("method", {
    method_forbidden: ["the credential may not use this method", "use another, or add it to its `methods`"],
  }),
  ...at("host", {
    origin_forbidden: [
      "no page of this origin may call",
      "add the origin to `cors` of the Tenant or ModelTask",
    ],
    host_forbidden: ["the credential may not call this host", "call another, or add it to its `hosts`"],
  }),
  ...at("task", {
    task_forbidden: [
      "the tenant, the credential or the token may not call this task",
      "add the task to spec.tasks, and to the credential's `tasks` or the token's claim where they narrow it",
    ],
  }),
  ...at("version", {
    inspection_forbidden: [
      "the tenant or the credential may call the task, but not ask for configuration, statistics or the index of its model server",
      "set `inspect: true` at the task in spec.tasks, and in the credential's `tasks` where they narrow it",
    ],
    version_forbidden: [
      "the tenant or the credential may not call this version of the task",
      "add it to `versions` of the task in spec.tasks, and in the credential's `tasks` where they narrow it",
    ],
  }),
  ...at("body", {
    digest_wrong: [
      "the body is not the one whose Content-Digest was signed",
      "does something between change the body? Give the exact bytes by --body",
    ],
  }),
]);
