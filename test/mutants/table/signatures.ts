import { type Mutant, mutants } from "../mutant.ts";

const REPLAYED = "replays or changes a signed request";
const BODY = "sends a signed body that is not what was signed";
const NONCES = "fills the memory of nonces, so that others' signed requests are refused";
const SECRETS = "reads a signer's secret or a token in an object, a config dump, a log, `ps` or an error";
const SIGNED = "test/host/tenant-auth.test.ts: signed requests";
const LIBRARIES = "test/host/signatures.test.ts:";
const BODIES = "test/host/signed-bodies.test.ts:";
const SEALED = "test/host/sealed-secrets.test.ts:";
const SIGNATURE = "filters/tenant-auth/signature";

export const SIGNATURES: Mutant[] = [
  ...mutants(REPLAYED, `${SIGNATURE}/check-signature.ts`, [
    [SIGNED, "!input.covers(METHOD) || ", ""],
    [SIGNED, " || !isCovered(PATH, http)) return false;", ") return false;"],
    [SIGNED, "http.taskids > 0 && !input.covers(TASKID)", "false"],
    [SIGNED, "http.versions > 0 && !input.covers(VERSION)", "false"],
    [SIGNED, "queryStart(http.path) < http.path.len && !isCovered(QUERY, http)", "false"],
    [SIGNED, "!endOfStream && !input.covers(CONTENT_DIGEST)", "false"],
    [
      SIGNED,
      "input.signature.len != SHA256_SIZE || !equalDigests(mac, input.signature.ptr)",
      "input.signature.len != SHA256_SIZE",
    ],
    [SIGNED, "input.created > now + skew || input.created < now - skew", "input.created < now - skew"],
    [SIGNED, "input.created > now + skew || input.created < now - skew", "input.created > now + skew"],
    [SIGNED, "input.expires >= 0 && input.expires < now", "false"],
    [SIGNED, "if (input.created < 0) return SIGNATURE_MALFORMED;", ""],
    [
      SIGNED,
      "return nonce == Nonce.Used ? SIGNATURE_REPLAYED : nonce",
      "return nonce == Nonce.Used ? null : nonce",
    ],
    [`${LIBRARIES} query ?a=b&c=d`, "count > 0 && count == countParameters(path)", "count > 0"],
    [`${LIBRARIES} what @target-uri holds is covered by it`, "!input.covers(METHOD) || ", ""],
    [
      `${LIBRARIES} content-digest: twice`,
      "findMembers(http.headers, CONTENT_DIGEST, SHA_256, member) != 1",
      "findMembers(http.headers, CONTENT_DIGEST, SHA_256, member) == 0",
    ],
    [
      `${LIBRARIES} requests without a nonce are told apart`,
      "else base.append(input.signature.ptr, input.signature.len);",
      "",
    ],
  ]),
  ...mutants(REPLAYED, `${SIGNATURE}/signature-input.ts`, [
    [SIGNED, "if (this.components[i].equals(component)) return false;", "{}"],
    [SIGNED, "this.keyid.len == 0 && this.string(this.keyid)", "this.string(this.keyid)"],
    [SIGNED, "this.string(text) && HMAC_SHA256.equals(text.ptr, text.len)", "this.string(text)"],
  ]),
  ...mutants(REPLAYED, `${SIGNATURE}/signature-base.ts`, [
    [`${LIBRARIES} a signature over "taskid";sf`, "  if (!component.isPlain) return false;\n", ""],
    [SIGNED, "  return count > 0;\n", "  return true;\n"],
  ]),
  ...mutants(REPLAYED, `${SIGNATURE}/query-parameters.ts`, [
    [`${LIBRARIES} query ?a=b&a=c with the parameters ["a"]`, "return found == 1;", "return found >= 1;"],
  ]),
  ...mutants(REPLAYED, "filters/tenant-auth/presented.ts", [
    [
      `${LIBRARIES} several labels: another's signature under the label`,
      "max(signatures, findMembers(headers, SIGNATURE, registry.signatureLabel, signature))",
      "signatures",
    ],
    [
      SIGNED,
      "this.signature.len = same ? signature.value.len : 0;",
      "this.signature.len = signature.value.len;",
    ],
  ]),
  ...mutants(REPLAYED, `${SIGNATURE}/nonces.ts`, [
    ["test/host/tenant-auth.test.ts: a signer's nonce counts for all VMs", "return Nonce.Used;", "continue;"],
    [
      "test/host/tenant-auth.test.ts: a nonce is known to a VM whose clock",
      "load<i64>(record, HASH_SIZE) < now",
      "load<i64>(record, HASH_SIZE) < now + 15",
    ],
  ]),
  ...mutants(BODY, "filters/tenant-auth/tenant-auth.ts", [
    [
      `${BODIES} a body changed that ends in trailers`,
      "body == null || acceptBody(http, body) ? TrailersAction",
      "true ? TrailersAction",
    ],
    [
      `${BODIES} no content-length tells the model server`,
      "if (body.enforced) removeHeader(REQUEST_HEADERS, CONTENT_LENGTH);",
      "",
    ],
    [SIGNED, "!endOfStream || acceptBody(http, body)", "true"],
    [`${BODIES} a dry run notes a body`, "else http.refuseDry(reply.DIGEST_WRONG);", ""],
  ]),
  ...mutants(BODY, `${SIGNATURE}/body-digest.ts`, [
    [SIGNED, "sha256Update(this.state, ptr, len);", "sha256Update(this.state, ptr, len - 1);"],
  ]),
  ...mutants(BODY, "filters/tenant-auth/crypto/equal-digests.ts", [
    [SIGNED, "i < 32", "i < 24"],
    [
      "test/host/tenant-auth.test.ts: tokens HS256 with the first byte",
      "let i: usize = 0",
      "let i: usize = 8",
    ],
  ]),
  ...mutants(BODY, "filters/tenant-auth/identification.ts", [
    [SIGNED, "if (!endOfStream) http.setState(this.slot, body);", "if (!endOfStream) body.release();"],
  ]),
  ...mutants(NONCES, `${SIGNATURE}/nonces.ts`, [
    [`${SEALED} two signers may use the same nonce`, "  key.append(signer.ptr, signer.len);\n", ""],
    [
      `${SEALED} a signer that fills its own memory`,
      "if (bucket.len >= MOST_IN_BUCKET * RECORD) return Nonce.Full;",
      "",
    ],
  ]),
  ...mutants(SECRETS, "filters/sdk/bytes/chacha20-poly1305.ts", [
    [`${SEALED} a changed byte anywhere`, "if (different != 0) return false;", ""],
    [`${SEALED} a changed byte anywhere`, " | (load<u64>(tag, 8) ^ load<u64>(sent, 8))", ""],
    [`${SEALED} opens what was sealed`, "  appendPadded(aad, aadLen);\n", ""],
  ]),
  ...mutants(SECRETS, "tools/cluster/istio/seal.ts", [
    [`${SEALED} seals the same secret the same way`, "    .update(secret)\n    .digest()", "    .digest()"],
    [`${SEALED} seals the same secret the same way`, 'createHmac("sha256", key)', 'createHmac("sha256", "")'],
  ]),
  ...mutants(SECRETS, "filters/sdk/host/sealed-secret.ts", [
    [
      `${SEALED} opens what was sealed`,
      "i + DIGITS <= keys.len && secret == null",
      "i == 0 && secret == null",
    ],
  ]),
];
