import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char, lowerCase } from "../../sdk/bytes/chars";
import { SCHEME as SCHEME_HEADER } from "../../sdk/bytes/header-names";
import { queryStart } from "../../sdk/bytes/query-parameter";
import { Slice } from "../../sdk/bytes/slice";
import { HttpContext } from "../../sdk/pipeline/http-context";
import { Component } from "./component";
import { appendParameter } from "./query-parameters";
import { SignatureInput } from "./signature-input";

/** The signature base of HTTP Message Signatures (RFC 9421, section 2.5): what the signer and we sign. */

export const METHOD = bytes("@method");
export const PATH = bytes("@path");
export const QUERY = bytes("@query");
export const AUTHORITY = bytes("@authority");
export const SCHEME = bytes("@scheme");
export const REQUEST_TARGET = bytes("@request-target");
export const TARGET_URI = bytes("@target-uri");
export const QUERY_PARAM = bytes("@query-param");
const SIGNATURE_PARAMS = bytes('"@signature-params": ');
const COLON = bytes(": ");
const COMMA = bytes(", ");
const AUTHORITY_FOLLOWS = bytes("://");
const HTTP = bytes("http");
const HTTPS = bytes("https");
const HTTP_PORT = bytes(":80");
const HTTPS_PORT = bytes(":443");

const LARGEST: i32 = 64 * 1024;

const value: Slice = new Slice();
const scheme: Slice = new Slice();

/**
 * Appends the base.
 * @returns -1, or the number of the component that is unknown, that the request lacks, or with which the base
 *   gets too large
 */
export function appendSignatureBase(base: ByteBuffer, input: SignatureInput, http: HttpContext): i32 {
  for (let i = 0; i < input.componentCount; i++) {
    const component = input.component(i);
    base.append(component.text.ptr, component.text.len);
    base.appendBytes(COLON);
    const known = load<u8>(component.ptr) == Char.AT;
    if (!(known ? appendDerived(base, component, http) : appendHeader(base, component, http))) return i;
    base.appendByte(Char.LF);
    if (base.len > LARGEST) return i;
  }
  base.appendBytes(SIGNATURE_PARAMS);
  base.append(input.params.ptr, input.params.len);
  return -1;
}

/** RFC 9421, section 2.2. */
function appendDerived(base: ByteBuffer, component: Component, http: HttpContext): bool {
  const name = component.ptr;
  const len = component.len;
  const path = http.path;
  if (!component.isPlain) {
    const parameter = component.isNamed && QUERY_PARAM.equals(name, len);
    return parameter && appendParameter(base, path, component.parameterName);
  }
  const query = queryStart(path);
  if (METHOD.equals(name, len)) base.append(http.method.ptr, http.method.len);
  else if (PATH.equals(name, len)) base.append(path.ptr, query);
  else if (REQUEST_TARGET.equals(name, len)) base.append(path.ptr, path.len);
  else if (QUERY.equals(name, len)) {
    if (query == path.len) base.appendByte(Char.QUESTION);
    else base.append(path.ptr + query, path.len - query);
  } else if (AUTHORITY.equals(name, len)) appendAuthority(base, http);
  else if (SCHEME.equals(name, len)) return appendScheme(base, http);
  else if (TARGET_URI.equals(name, len)) {
    if (!appendScheme(base, http)) return false;
    base.appendBytes(AUTHORITY_FOLLOWS);
    base.append(http.authority.ptr, http.authority.len);
    base.append(path.ptr, path.len);
  } else return false;
  return true;
}

/** In lower case, without the port that the scheme has anyway (RFC 9421, section 2.2.3). */
function appendAuthority(base: ByteBuffer, http: HttpContext): void {
  const authority = http.authority;
  http.headers.find(SCHEME_HEADER, scheme);
  let len = authority.len;
  if (HTTP.equals(scheme.ptr, scheme.len)) len = withoutEnd(authority, HTTP_PORT);
  else if (HTTPS.equals(scheme.ptr, scheme.len)) len = withoutEnd(authority, HTTPS_PORT);
  const from = base.len;
  base.append(authority.ptr, len);
  for (let at = base.ptr + from; at < base.end; at++) store<u8>(at, lowerCase(load<u8>(at)));
}

/** Length of the text without this end. */
function withoutEnd(text: Slice, end: Bytes): i32 {
  const len = text.len - end.len;
  return len > 0 && end.equals(text.ptr + len, end.len) ? len : text.len;
}

function appendScheme(base: ByteBuffer, http: HttpContext): bool {
  if (http.headers.find(SCHEME_HEADER, scheme) != 1 || scheme.len == 0) return false;
  base.append(scheme.ptr, scheme.len);
  return true;
}

/** RFC 9421, section 2.1: the values of a header, joined. */
function appendHeader(base: ByteBuffer, component: Component, http: HttpContext): bool {
  if (!component.isPlain) return false;
  const headers = http.headers;
  const count = headers.findAt(component.ptr, component.len, 0, value);
  for (let i = 0; i < count; i++) {
    headers.findAt(component.ptr, component.len, i, value);
    if (i > 0) base.appendBytes(COMMA);
    base.append(value.ptr, value.len);
  }
  return count > 0;
}
