import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { CONTENT_DIGEST, TASKID, VERSION } from "../../sdk/bytes/header-names";
import { queryStart } from "../../sdk/bytes/query-parameter";
import { Slice } from "../../sdk/bytes/slice";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { appendBase64 } from "../crypto/base64";
import { equalDigests } from "../crypto/equal-digests";
import { hmacSha256 } from "../crypto/hmac-sha256";
import { SHA256_SIZE, sha256 } from "../crypto/sha256";
import { Registry } from "../registry";
import {
  CREDENTIAL_UNKNOWN,
  REPLAY_WINDOW_FULL,
  SIGNATURE_EXPIRED,
  SIGNATURE_INCOMPLETE,
  SIGNATURE_MALFORMED,
  SIGNATURE_REPLAYED,
  SIGNATURE_WRONG,
} from "../replies";
import { Nonce, useNonce } from "./nonces";
import { appendSignatureBase, METHOD, PATH, QUERY } from "./signature-base";
import { SignatureInput } from "./signature-input";

/**
 * Requests signed with HMAC-SHA-256 by HTTP Message Signatures (RFC 9421), with the body's digest as RFC 9530
 * has it.
 */

const SHA_256 = bytes("sha-256=:");

/** Seconds by which the clocks of two VMs of the process may differ: each is as of its last tick. */
const CLOCK_DIFFERENCE: i64 = 10;

const input: SignatureInput = new SignatureInput();
const base: ByteBuffer = new ByteBuffer();
const mac: usize = memory.data(SHA256_SIZE, 8);
const digest: ByteBuffer = new ByteBuffer();
const value: Slice = new Slice();

/** What a good signature proves. */
export class SignatureProof {
  /** Index of the credential whose key the request was signed with. */
  signer: i32 = -1;
  /**
   * The signed digest of its body, 32 bytes, until the next check; 0 when the signature does not cover the
   * body.
   */
  digest: usize = 0;
}

/**
 * Checks the signature of a request and sets `proof`.
 * @param now seconds since 1970
 * @returns null when it is good, as far as the headers tell; the body must still have the digest
 */
export function checkSignature(
  registry: Registry,
  http: HttpContext,
  inputHeader: Slice,
  signatureHeader: Slice,
  endOfStream: bool,
  now: i64,
  proof: SignatureProof,
): LocalReply | null {
  proof.digest = 0;
  if (!input.parse(inputHeader, signatureHeader)) return SIGNATURE_MALFORMED;
  if (input.created < 0 || input.nonce.len == 0) return SIGNATURE_MALFORMED;
  if (!coversEnough(registry, http, endOfStream)) return SIGNATURE_INCOMPLETE;
  const signer = registry.signers.findOr(input.keyid.ptr, input.keyid.len, -1);
  if (signer < 0) return CREDENTIAL_UNKNOWN;
  base.clear();
  if (!appendSignatureBase(base, input, http)) return SIGNATURE_MALFORMED;
  const secret = registry.credentials[signer].secret!;
  hmacSha256(secret.ptr, secret.len, base.ptr, base.len, mac);
  if (input.signature.len != SHA256_SIZE || !equalDigests(mac, input.signature.ptr)) return SIGNATURE_WRONG;
  const skew = registry.signatureSkew;
  if (input.created > now + skew || input.created < now - skew) return SIGNATURE_EXPIRED;
  if (input.expires >= 0 && input.expires < now) return SIGNATURE_EXPIRED;
  proof.signer = signer;
  if (input.covers(CONTENT_DIGEST)) {
    if (!readContentDigest(http)) return SIGNATURE_MALFORMED;
    proof.digest = digest.ptr;
  }
  base.clear();
  base.append(input.keyid.ptr, input.keyid.len);
  base.appendByte(0);
  base.append(input.nonce.ptr, input.nonce.len);
  sha256(base.ptr, base.len, mac);
  const nonce = useNonce(input.keyid, mac, input.created + skew + CLOCK_DIFFERENCE, now);
  return nonce == Nonce.Used ? SIGNATURE_REPLAYED : nonce == Nonce.Full ? REPLAY_WINDOW_FULL : null;
}

/** What decides where a request goes and what it asks for must be signed. */
function coversEnough(registry: Registry, http: HttpContext, endOfStream: bool): bool {
  if (!input.covers(METHOD) || !input.covers(PATH)) return false;
  if (http.taskids > 0 && !input.covers(TASKID)) return false;
  if (http.versions > 0 && !input.covers(VERSION)) return false;
  if (queryStart(http.path) < http.path.len && !input.covers(QUERY)) return false;
  if (!endOfStream && !input.covers(CONTENT_DIGEST)) return false;
  const more = registry.signatureComponents;
  for (let i = 0; i < more.length; i++) if (!input.covers(more[i])) return false;
  return true;
}

function readContentDigest(http: HttpContext): bool {
  if (http.headers.find(CONTENT_DIGEST, value) != 1) return false;
  const from = value.ptr + SHA_256.len;
  const size = value.len - SHA_256.len - 1;
  if (size < 0 || !SHA_256.equals(value.ptr, SHA_256.len) || load<u8>(from + size) != Char.COLON)
    return false;
  digest.clear();
  return appendBase64(digest, from, size) && digest.len == SHA256_SIZE;
}
