import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { LocalReply } from "../../sdk/pipeline/local-reply";
import { TOKEN_KEY_UNKNOWN, TOKEN_SIGNATURE } from "../replies";
import { Algorithm, fits, verify } from "./algorithms";
import { Issuer } from "./issuer";
import { Jwk } from "./jwk";
import { TokenHeader } from "./token-header";

/**
 * Is `signature` that of the text [text, text + len) by a key of the issuer? For a token that names its key
 * (`kid`; RFC 7515, section 4.1.4), those of that name are tried; where none has it, those without a name.
 * A token that names none has the only key that fits.
 * @returns null when it is, else why not
 */
export function checkTokenSignature(
  issuer: Issuer,
  header: TokenHeader,
  signature: ByteBuffer,
  text: usize,
  len: i32,
): LocalReply | null {
  const keys = issuer.currentKeys;
  const algorithm = header.algorithm;
  const kid = header.kid;
  if (!header.kidNamed) {
    const only = onlyKey(keys, algorithm);
    if (only == null) {
      issuer.wantKeys();
      return TOKEN_KEY_UNKNOWN;
    }
    return verify(only, algorithm, signature.ptr, signature.len, text, len) ? null : TOKEN_SIGNATURE;
  }
  const named = tryKeys(keys, kid.ptr, kid.len, algorithm, signature, text, len);
  if (named == Tried.Good) return null;
  if (named == Tried.Wrong) return TOKEN_SIGNATURE;
  const unnamed = tryKeys(keys, kid.ptr, 0, algorithm, signature, text, len);
  if (unnamed == Tried.Good) return null;
  issuer.wantKeys();
  return unnamed == Tried.Wrong ? TOKEN_SIGNATURE : TOKEN_KEY_UNKNOWN;
}

enum Tried {
  None,
  Wrong,
  Good,
}

/** Tries each key of this name; no two need have names of their own. */
function tryKeys(
  keys: Jwk[],
  kid: usize,
  kidLen: i32,
  algorithm: Algorithm,
  signature: ByteBuffer,
  text: usize,
  len: i32,
): Tried {
  let tried = Tried.None;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i];
    if (!fits(key, algorithm) || !key.kid.equals(kid, kidLen)) continue;
    if (verify(key, algorithm, signature.ptr, signature.len, text, len)) return Tried.Good;
    tried = Tried.Wrong;
  }
  return tried;
}

/** @returns null when none or several fit */
function onlyKey(keys: Jwk[], algorithm: Algorithm): Jwk | null {
  let found: Jwk | null = null;
  for (let i = 0; i < keys.length; i++) {
    if (!fits(keys[i], algorithm)) continue;
    if (found != null) return null;
    found = keys[i];
  }
  return found;
}
