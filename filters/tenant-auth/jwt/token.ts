import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { appendBase64Url } from "../crypto/base64";
import { KEYS_UNAVAILABLE, TOKEN_ALGORITHM, TOKEN_ISSUER, TOKEN_MALFORMED } from "../replies";
import { Issuer } from "./issuer";
import { TokenClaims } from "./token-claims";
import { TokenHeader } from "./token-header";
import { checkTokenSignature } from "./token-signature";

/**
 * JSON Web Tokens (RFC 7519) in compact JWS form (RFC 7515), checked as RFC 8725 advises: the issuer decides
 * which keys and algorithms count, never the token.
 */

const headerJson: ByteBuffer = new ByteBuffer();
const claimsJson: ByteBuffer = new ByteBuffer();
const signature: ByteBuffer = new ByteBuffer();
const header: TokenHeader = new TokenHeader();

/** Is this a JSON Web Token rather than an opaque key? It has three parts with a dot between them. */
export function looksLikeToken(ptr: usize, len: i32): bool {
  let dots = 0;
  for (let i: i32 = 0; i < len; i++) if (load<u8>(ptr + i) == Char.DOT) dots++;
  return dots == 2;
}

/**
 * Checks signature and claims of the token [ptr, ptr + len).
 * @param now seconds since 1970
 * @param claims what the token says, once it is accepted
 * @returns null when it is good, else why not
 */
export function checkToken(
  issuers: Issuer[],
  ptr: usize,
  len: i32,
  now: i64,
  claims: TokenClaims,
): LocalReply | null {
  const end = ptr + len;
  const first = dotAfter(ptr, end);
  const second = dotAfter(first + 1, end);
  headerJson.clear();
  claimsJson.clear();
  signature.clear();
  if (
    !appendBase64Url(headerJson, ptr, <i32>(first - ptr)) ||
    !appendBase64Url(claimsJson, first + 1, <i32>(second - first - 1)) ||
    !appendBase64Url(signature, second + 1, <i32>(end - second - 1))
  ) {
    return TOKEN_MALFORMED;
  }
  if (!claims.findIssuer(issuers, claimsJson.ptr, claimsJson.len)) return TOKEN_MALFORMED;
  const refusal = header.read(headerJson.ptr, headerJson.len);
  if (refusal != null) return refusal;
  if (claims.issuer < 0) return TOKEN_ISSUER;
  const issuer = issuers[claims.issuer];
  if (!issuer.accepts(header.algorithm)) return TOKEN_ALGORITHM;
  if (!issuer.ready) return KEYS_UNAVAILABLE;
  const unsigned = checkTokenSignature(issuer, header, signature, ptr, <i32>(second - ptr));
  if (unsigned != null) return unsigned;
  return claims.read(issuer, claimsJson.ptr, claimsJson.len, now);
}

function dotAfter(from: usize, end: usize): usize {
  while (from < end && load<u8>(from) != Char.DOT) from++;
  return from;
}
