import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char, lowerCase } from "../../sdk/bytes/chars";
import { queryStart } from "../../sdk/bytes/query-parameter";
import { Slice } from "../../sdk/bytes/slice";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { SignatureInput } from "./signature-input";

/** The signature base of HTTP Message Signatures (RFC 9421, section 2.5): what the signer and we sign. */

export const METHOD = bytes("@method");
export const PATH = bytes("@path");
export const QUERY = bytes("@query");
const AUTHORITY = bytes("@authority");
const REQUEST_TARGET = bytes("@request-target");
const SIGNATURE_PARAMS = bytes('"@signature-params": ');
const COLON = bytes('": ');
const COMMA = bytes(", ");

const LARGEST: i32 = 64 * 1024;

const value: Slice = new Slice();

/**
 * Appends the base.
 * @returns false when a component is unknown, or a header that the request lacks, or it gets too large
 */
export function appendSignatureBase(base: ByteBuffer, input: SignatureInput, http: HttpContext): bool {
  for (let i = 0; i < input.componentCount; i++) {
    const name = input.componentPtr(i);
    const len = input.componentLen(i);
    base.appendByte(Char.QUOTE);
    base.append(name, len);
    base.appendBytes(COLON);
    if (
      !(load<u8>(name) == Char.AT
        ? appendDerived(base, name, len, http)
        : appendHeader(base, name, len, http))
    ) {
      return false;
    }
    base.appendByte(Char.LF);
    if (base.len > LARGEST) return false;
  }
  base.appendBytes(SIGNATURE_PARAMS);
  base.append(input.params.ptr, input.params.len);
  return true;
}

/** RFC 9421, section 2.2. */
function appendDerived(base: ByteBuffer, name: usize, len: i32, http: HttpContext): bool {
  const path = http.path;
  const query = queryStart(path);
  if (METHOD.equals(name, len)) base.append(http.method.ptr, http.method.len);
  else if (PATH.equals(name, len)) base.append(path.ptr, query);
  else if (REQUEST_TARGET.equals(name, len)) base.append(path.ptr, path.len);
  else if (QUERY.equals(name, len)) {
    if (query == path.len) base.appendByte(Char.QUESTION);
    else base.append(path.ptr + query, path.len - query);
  } else if (AUTHORITY.equals(name, len)) {
    const from = base.len;
    base.append(http.authority.ptr, http.authority.len);
    for (let at = base.ptr + from; at < base.end; at++) store<u8>(at, lowerCase(load<u8>(at)));
  } else return false;
  return true;
}

/** RFC 9421, section 2.1: the values of a header, joined. */
function appendHeader(base: ByteBuffer, name: usize, len: i32, http: HttpContext): bool {
  const headers = http.headers;
  const count = headers.findAt(name, len, 0, value);
  for (let i = 0; i < count; i++) {
    headers.findAt(name, len, i, value);
    if (i > 0) base.appendBytes(COMMA);
    base.append(value.ptr, value.len);
  }
  return count > 0;
}
