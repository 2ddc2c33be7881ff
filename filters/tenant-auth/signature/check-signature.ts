import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
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
import { Presentation } from "../presented";
import { Registry } from "../registry";
import {
  CREDENTIAL_UNKNOWN,
  REPLAY_WINDOW_FULL,
  SIGNATURE_COMPONENT,
  SIGNATURE_EXPIRED,
  SIGNATURE_INCOMPLETE,
  SIGNATURE_MALFORMED,
  SIGNATURE_REPLAYED,
  SIGNATURE_WRONG,
} from "../replies";
import { Component } from "./component";
import { findMembers, Member } from "./labels";
import { Nonce, useNonce } from "./nonces";
import { countParameters } from "./query-parameters";
import {
  AUTHORITY,
  appendSignatureBase,
  METHOD,
  PATH,
  QUERY,
  QUERY_PARAM,
  REQUEST_TARGET,
  SCHEME,
  TARGET_URI,
} from "./signature-base";
import { SignatureInput } from "./signature-input";

/**
 * Requests signed with HMAC-SHA-256 by HTTP Message Signatures (RFC 9421), with the body's digest as RFC 9530
 * has it.
 */

const SHA_256 = bytes("sha-256");
/** What a refusal names, which any header may. */
const LONGEST_NAME: i32 = 128;
const COVERS = bytes("the signature covers ");
const UNSUPPORTED = bytes(", which is not supported or not in the request");
const NO_SHA_256 = bytes('"content-digest", which has not one sha-256');

/** Seconds by which the clocks of two VMs of the process may differ: each is as of its last tick. */
const CLOCK_DIFFERENCE: i64 = 10;

const input: SignatureInput = new SignatureInput();
const base: ByteBuffer = new ByteBuffer();
const mac: usize = memory.data(SHA256_SIZE, 8);
const digest: ByteBuffer = new ByteBuffer();
const member: Member = new Member();
const message: ByteBuffer = new ByteBuffer();

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
  presented: Presentation,
  endOfStream: bool,
  now: i64,
  proof: SignatureProof,
): LocalReply | null {
  proof.digest = 0;
  if (!input.parse(presented.signatureInput, presented.signature)) return SIGNATURE_MALFORMED;
  if (input.created < 0) return SIGNATURE_MALFORMED;
  const signer = registry.signers.findOr(input.keyid.ptr, input.keyid.len, -1);
  if (signer < 0) return CREDENTIAL_UNKNOWN;
  base.clear();
  const unsupported = appendSignatureBase(base, input, http);
  if (unsupported >= 0) return componentRefusal(input.component(unsupported));
  const secret = registry.credentials[signer].secret!;
  hmacSha256(secret.ptr, secret.len, base.ptr, base.len, mac);
  if (input.signature.len != SHA256_SIZE || !equalDigests(mac, input.signature.ptr)) return SIGNATURE_WRONG;
  if (!coversEnough(registry, http, endOfStream)) return SIGNATURE_INCOMPLETE;
  const skew = registry.signatureSkew;
  if (input.created > now + skew || input.created < now - skew) return SIGNATURE_EXPIRED;
  if (input.expires >= 0 && input.expires < now) return SIGNATURE_EXPIRED;
  proof.signer = signer;
  if (input.covers(CONTENT_DIGEST)) {
    if (findMembers(http.headers, CONTENT_DIGEST, SHA_256, member) != 1) return digestRefusal();
    if (!readDigest(member.value)) return SIGNATURE_MALFORMED;
    proof.digest = digest.ptr;
  }
  base.clear();
  // Without a nonce the signature is one: the same request is the same signature.
  if (input.nonce.len > 0) base.append(input.nonce.ptr, input.nonce.len);
  else base.append(input.signature.ptr, input.signature.len);
  sha256(base.ptr, base.len, mac);
  const nonce = useNonce(input.keyid, mac, input.created + skew + CLOCK_DIFFERENCE, now);
  return nonce == Nonce.Used ? SIGNATURE_REPLAYED : nonce == Nonce.Full ? REPLAY_WINDOW_FULL : null;
}

/** What decides where a request goes and what it asks for must be signed. */
function coversEnough(registry: Registry, http: HttpContext, endOfStream: bool): bool {
  if (!input.covers(METHOD) || !isCovered(PATH, http)) return false;
  if (http.taskids > 0 && !input.covers(TASKID)) return false;
  if (http.versions > 0 && !input.covers(VERSION)) return false;
  if (queryStart(http.path) < http.path.len && !isCovered(QUERY, http)) return false;
  if (!endOfStream && !input.covers(CONTENT_DIGEST)) return false;
  const more = registry.signatureComponents;
  for (let i = 0; i < more.length; i++) if (!isCovered(more[i], http)) return false;
  return true;
}

/** Is the component covered, by itself or by what it is a part of? */
function isCovered(name: Bytes, http: HttpContext): bool {
  if (input.covers(name)) return true;
  const isQuery = QUERY.equals(name.ptr, name.len);
  const isPath = PATH.equals(name.ptr, name.len);
  if (isQuery && coversEachParameter(http.path)) return true;
  if ((isQuery || isPath) && input.covers(REQUEST_TARGET)) return true;
  const inUri =
    isQuery || isPath || AUTHORITY.equals(name.ptr, name.len) || SCHEME.equals(name.ptr, name.len);
  return inUri && input.covers(TARGET_URI);
}

/** Each names a parameter that is there once: as many of them are all. */
function coversEachParameter(path: Slice): bool {
  let count = 0;
  for (let i = 0; i < input.componentCount; i++) {
    const component = input.component(i);
    if (component.isNamed && QUERY_PARAM.equals(component.ptr, component.len)) count++;
  }
  return count > 0 && count == countParameters(path);
}

function componentRefusal(component: Component): LocalReply {
  message.clear();
  message.appendBytes(COVERS);
  message.append(component.text.ptr, min(component.text.len, LONGEST_NAME));
  message.appendBytes(UNSUPPORTED);
  SIGNATURE_COMPONENT.setMessage(message.ptr, message.len);
  return SIGNATURE_COMPONENT;
}

function digestRefusal(): LocalReply {
  message.clear();
  message.appendBytes(COVERS);
  message.appendBytes(NO_SHA_256);
  SIGNATURE_COMPONENT.setMessage(message.ptr, message.len);
  return SIGNATURE_COMPONENT;
}

/** A byte sequence of 32 bytes. */
function readDigest(text: Slice): bool {
  const size = text.len - 2;
  if (size < 0 || load<u8>(text.ptr) != Char.COLON || load<u8>(text.ptr + size + 1) != Char.COLON)
    return false;
  digest.clear();
  return appendBase64(digest, text.ptr + 1, size) && digest.len == SHA256_SIZE;
}
