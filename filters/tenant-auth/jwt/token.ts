import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { appendBase64Url } from "../crypto/base64";
import {
  KEYS_UNAVAILABLE,
  TOKEN_ALGORITHM,
  TOKEN_AUDIENCE,
  TOKEN_CLAIMS,
  TOKEN_EXPIRED,
  TOKEN_ISSUER,
  TOKEN_KEY_UNKNOWN,
  TOKEN_MALFORMED,
  TOKEN_NOT_YET_VALID,
  TOKEN_SIGNATURE,
} from "../replies";
import { Algorithm, algorithmOf, verify } from "./algorithms";
import { Issuer } from "./issuer";
import { JsonCursor } from "./json-cursor";

/**
 * JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515), checked as RFC 8725 advises: the issuer decides which keys
 * and algorithms count, never the token.
 */

const ALG = bytes("alg");
const KID = bytes("kid");
const CRIT = bytes("crit");
const B64 = bytes("b64");
const ISS = bytes("iss");
const AUD = bytes("aud");
const EXP = bytes("exp");
const NBF = bytes("nbf");
const JTI = bytes("jti");

const header: ByteBuffer = new ByteBuffer();
const claims: ByteBuffer = new ByteBuffer();
const signature: ByteBuffer = new ByteBuffer();
const cursor: JsonCursor = new JsonCursor();
const name: Slice = new Slice();
const value: Slice = new Slice();

/** What the claims of the token that `checkToken` accepted say. Valid until the next one is checked. */
export class TokenClaims {
  /** Index of its issuer. */
  issuer: i32 = -1;
  readonly subject: Slice = new Slice();
  readonly tenant: Slice = new Slice();
  readonly jti: Slice = new Slice();
  /** (u8 length, pattern) one after the other; empty when the issuer has no such claim. */
  readonly tasks: ByteBuffer = new ByteBuffer();
  /** Seconds since 1970 from which on it is refused, leeway included. */
  expires: i64 = i64.MAX_VALUE;
}
export const token: TokenClaims = new TokenClaims();

/** Is this a JSON Web Token rather than an opaque key? It has three parts with a dot between them. */
export function looksLikeToken(ptr: usize, len: i32): bool {
  let dots = 0;
  for (let i: i32 = 0; i < len; i++) if (load<u8>(ptr + i) == Char.DOT) dots++;
  return dots == 2;
}

/**
 * Checks signature and claims of the token [ptr, ptr + len) and fills `token`.
 * @param now seconds since 1970
 * @returns null when it is good, else why not
 */
export function checkToken(issuers: Issuer[], ptr: usize, len: i32, now: i64): LocalReply | null {
  const first = dotAfter(ptr, ptr + len);
  const second = dotAfter(first + 1, ptr + len);
  const end = ptr + len;
  header.clear();
  claims.clear();
  signature.clear();
  if (
    !appendBase64Url(header, ptr, <i32>(first - ptr)) ||
    !appendBase64Url(claims, first + 1, <i32>(second - first - 1)) ||
    !appendBase64Url(signature, second + 1, <i32>(end - second - 1))
  ) {
    return TOKEN_MALFORMED;
  }
  if (!readIssuer(issuers)) return TOKEN_MALFORMED;
  const refusal = readHeader();
  if (refusal != null) return refusal;
  if (token.issuer < 0) return TOKEN_ISSUER;
  const issuer = issuers[token.issuer];
  if (!issuer.accepts(algorithm)) return TOKEN_ALGORITHM;
  if (!issuer.ready) return KEYS_UNAVAILABLE;
  const key = issuer.findKey(kid, kidNamed, algorithm);
  if (key == null) return TOKEN_KEY_UNKNOWN;
  if (!verify(key, algorithm, signature.ptr, signature.len, ptr, <i32>(second - ptr))) return TOKEN_SIGNATURE;
  return readClaims(issuer, now);
}

function dotAfter(from: usize, end: usize): usize {
  while (from < end && load<u8>(from) != Char.DOT) from++;
  return from;
}

let algorithm: Algorithm = Algorithm.None;
const kid: Slice = new Slice();
let kidNamed: bool = false;

/** Takes `alg` and `kid`. `crit` and an unencoded payload (RFC 7797) ask for what nobody here understands. */
function readHeader(): LocalReply | null {
  let algs = 0;
  kidNamed = false;
  algorithm = Algorithm.None;
  cursor.open(header.ptr, header.len);
  cursor.enterObject();
  while (cursor.nextMember(name)) {
    if (ALG.equals(name.ptr, name.len)) {
      algs++;
      cursor.string(value);
      algorithm = algorithmOf(value.ptr, value.len);
    } else if (KID.equals(name.ptr, name.len)) {
      if (kidNamed) return TOKEN_MALFORMED;
      kidNamed = true;
      cursor.string(kid);
    } else if (CRIT.equals(name.ptr, name.len) || B64.equals(name.ptr, name.len)) return TOKEN_MALFORMED;
    else cursor.skip();
  }
  cursor.close();
  if (cursor.failed || algs != 1) return TOKEN_MALFORMED;
  return algorithm == Algorithm.None ? TOKEN_ALGORITHM : null;
}

/** Finds the issuer, before anything of the token is trusted. @returns false when the claims are no JSON object */
function readIssuer(issuers: Issuer[]): bool {
  let seen = 0;
  token.issuer = -1;
  cursor.open(claims.ptr, claims.len);
  cursor.enterObject();
  while (cursor.nextMember(name)) {
    if (ISS.equals(name.ptr, name.len)) {
      seen++;
      cursor.string(value);
      for (let i = 0; i < issuers.length; i++) {
        if (issuers[i].name.equals(value.ptr, value.len)) token.issuer = i;
      }
    } else cursor.skip();
  }
  cursor.close();
  return !cursor.failed && seen <= 1;
}

/** Which claims were there. */
let expiries = 0;
let audiences = 0;
let audienceMatches: bool = false;
let notBefore: f64 = 0;
let expiry: f64 = 0;
let taskLists = 0;

function readClaims(issuer: Issuer, now: i64): LocalReply | null {
  expiries = audiences = taskLists = 0;
  audienceMatches = false;
  notBefore = 0;
  token.subject.len = token.tenant.len = token.jti.len = 0;
  token.tasks.clear();
  cursor.open(claims.ptr, claims.len);
  cursor.enterObject();
  while (cursor.nextMember(name)) if (!readClaim(issuer)) return TOKEN_CLAIMS;
  if (cursor.failed || expiries > 1 || audiences > 1 || taskLists > 1) return TOKEN_CLAIMS;
  if (expiries == 0 && issuer.expiryRequired) return TOKEN_CLAIMS;
  if (issuer.tasksClaim != null && taskLists == 0) return TOKEN_CLAIMS;
  if (issuer.tenantClaim != null && token.tenant.len == 0) return TOKEN_CLAIMS;
  token.expires = expiries == 0 ? i64.MAX_VALUE : seconds(expiry) + issuer.leeway;
  if (token.expires <= now) return TOKEN_EXPIRED;
  if (seconds(notBefore) - issuer.leeway > now) return TOKEN_NOT_YET_VALID;
  return issuer.audiences.length > 0 && !audienceMatches ? TOKEN_AUDIENCE : null;
}

/** Reads one claim's value. A claim may be of use in two roles, such as `sub` as tenant and as subject. */
function readClaim(issuer: Issuer): bool {
  if (EXP.equals(name.ptr, name.len)) {
    expiries++;
    expiry = cursor.number();
  } else if (NBF.equals(name.ptr, name.len)) notBefore = cursor.number();
  else if (AUD.equals(name.ptr, name.len)) readAudience(issuer.audiences);
  else if (is(issuer.tasksClaim)) return readTasks();
  else {
    const subject = is(issuer.subjectClaim);
    const tenant = is(issuer.tenantClaim);
    const jti = JTI.equals(name.ptr, name.len);
    if (!subject && !tenant && !jti) {
      cursor.skip();
      return !cursor.failed;
    }
    cursor.string(value);
    if ((subject && !keep(token.subject)) || (tenant && !keep(token.tenant))) return false;
    if (jti && !keep(token.jti)) return false;
  }
  return !cursor.failed;
}

function is(claim: Bytes | null): bool {
  return claim != null && claim.equals(name.ptr, name.len);
}

/** @returns false when the claim came before */
function keep(slice: Slice): bool {
  if (slice.len > 0) return false;
  slice.ptr = value.ptr;
  slice.len = value.len;
  return true;
}

/** Whole seconds, kept within a range where sums do not overflow. */
function seconds(time: f64): i64 {
  return <i64>Math.max(0, Math.min(time, 1e15));
}

function readAudience(wanted: Bytes[]): void {
  audiences++;
  if (cursor.peek() != Char.OPEN_BRACKET) {
    cursor.string(value);
    matchAudience(wanted);
    return;
  }
  cursor.enterArray();
  while (cursor.nextElement()) {
    cursor.string(value);
    matchAudience(wanted);
  }
}

function matchAudience(wanted: Bytes[]): void {
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i].equals(value.ptr, value.len)) audienceMatches = true;
  }
}

/** A list of strings, or one string with spaces between its words as `scope` has them (RFC 8693, section 4.2). */
function readTasks(): bool {
  taskLists++;
  if (cursor.peek() == Char.OPEN_BRACKET) {
    cursor.enterArray();
    while (cursor.nextElement()) {
      cursor.string(value);
      if (!keepTask(value.ptr, value.len)) return false;
    }
  } else {
    cursor.string(value);
    let from = value.ptr;
    const end = value.ptr + value.len;
    while (from < end) {
      let to = from;
      while (to < end && load<u8>(to) != Char.SPACE) to++;
      if (to > from && !keepTask(from, <i32>(to - from))) return false;
      from = to + 1;
    }
  }
  // A list of no task allows none, which is not the same as no list: an empty pattern matches no task.
  if (token.tasks.len == 0) token.tasks.appendByte(0);
  return !cursor.failed;
}

function keepTask(ptr: usize, len: i32): bool {
  if (len > 255) return false;
  token.tasks.appendByte(<u8>len);
  token.tasks.append(ptr, len);
  return true;
}
