import { bytes, startsWithIgnoreCase } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { AUTHORIZATION, PATH } from "../sdk/bytes/header-names";
import { cutQueryParameter } from "../sdk/bytes/query-parameter";
import { Slice } from "../sdk/bytes/slice";
import { REQUEST_HEADERS } from "../sdk/host/abi";
import { removeHeader, setHeader } from "../sdk/host/headers";
import { HttpContext } from "../sdk/pipeline/http-context";
import { Registry } from "./registry";
import { findMembers, Member } from "./signature/labels";

const BEARER_SCHEME = bytes("bearer");
const SIGNATURE_INPUT = bytes("signature-input");
const SIGNATURE = bytes("signature");
/** Headers that only the gateway may set. */
const OWN_HEADERS = bytes("x-modelgate-");

export enum Presented {
  Nothing,
  /** An API key, or a token in `Authorization: Bearer`: see `bearer`. */
  Secret,
  Signature,
  /** An `Authorization` of a scheme that nobody here knows. */
  Unknown,
  /** More than one. */
  Several,
}

/** The credential that a request presents. One object, for one request after the other. */
export class Presentation {
  kind: Presented = Presented.Nothing;
  /** It came as `Authorization: Bearer`, so it may be a token. */
  bearer: bool = false;
  /** The key or token. */
  readonly secret: Slice = new Slice();
  /** What `Signature-Input` and `Signature` say of the signature that counts, without its label. */
  readonly signatureInput: Slice = new Slice();
  readonly signature: Slice = new Slice();
  /** Bit k: it is in `keyHeaders[k]`. */
  private keyHeaders: u32 = 0;
  private authorization: bool = false;
  private inQuery: bool = false;

  /**
   * Finds the credential; a header or parameter with nothing in it presents none. Those in the query are cut
   * out of `http.path`, so that no log shows them.
   */
  read(http: HttpContext, registry: Registry): void {
    const headers = http.headers;
    let count = 0;
    this.keyHeaders = 0;
    this.bearer = false;
    this.inQuery = false;
    this.kind = Presented.Nothing;
    signature.clear();
    const names = registry.keyHeaders;
    for (let i = 0; i < names.length; i++) {
      const found = headers.find(names[i], value);
      if (found == 0) continue;
      this.keyHeaders |= 1 << i;
      if (found == 1 && value.len == 0) continue;
      count += found;
      this.take(Presented.Secret, value.ptr, value.len);
    }
    const authorizations = headers.find(AUTHORIZATION, value);
    this.authorization = authorizations > 0;
    if (authorizations > 1 || (authorizations == 1 && !isEmpty(value))) {
      const skipped = secretStart(value.ptr, value.ptr + value.len);
      this.bearer = skipped > 0;
      count += isList(value, this.bearer) ? 2 : authorizations;
      if (this.bearer) this.take(Presented.Secret, value.ptr + skipped, value.len - skipped);
      else this.kind = Presented.Unknown;
    }
    const signatures = findMembers(headers, SIGNATURE_INPUT, registry.signatureLabel, input);
    if (signatures > 0) {
      count += max(signatures, findMembers(headers, SIGNATURE, registry.signatureLabel, signature));
      this.takeSignature();
    }
    const parameter = registry.keyParameter;
    if (parameter != null) {
      const found = cutQueryParameter(http.path, parameter, value);
      this.inQuery = found > 0;
      if (found > 1 || (found == 1 && value.len > 0)) {
        count += found;
        this.take(Presented.Secret, value.ptr, value.len);
      }
    }
    if (count > 1) this.kind = Presented.Several;
  }

  /** The signature must have the label of its input. */
  private takeSignature(): void {
    this.kind = Presented.Signature;
    this.signatureInput.ptr = input.value.ptr;
    this.signatureInput.len = input.value.len;
    this.signature.ptr = signature.value.ptr;
    const label = input.label;
    const same =
      label.len == signature.label.len && memory.compare(label.ptr, signature.label.ptr, label.len) == 0;
    this.signature.len = same ? signature.value.len : 0;
  }

  private take(kind: Presented, ptr: usize, len: i32): void {
    this.kind = kind;
    this.secret.ptr = ptr;
    this.secret.len = len;
  }

  /**
   * Takes the credential, and headers that only the gateway may set, from the request: the model server sees
   * neither. Envoy matches its routes anew when a header changes, so headers of credentials are left to the
   * route where it removes them.
   */
  strip(http: HttpContext, registry: Registry): void {
    if (registry.removesCredentials) {
      const names = registry.keyHeaders;
      for (let i = 0; i < names.length; i++) {
        if (((this.keyHeaders >> i) & 1) != 0) removeHeader(REQUEST_HEADERS, names[i]);
      }
      if (this.authorization) removeHeader(REQUEST_HEADERS, AUTHORIZATION);
    }
    if (this.inQuery) setHeader(REQUEST_HEADERS, PATH, http.path.ptr, http.path.len);
    http.headers.drop(REQUEST_HEADERS, OWN_HEADERS, true);
    const tenantHeader = registry.tenantHeader;
    if (tenantHeader != null) http.headers.drop(REQUEST_HEADERS, tenantHeader, false);
  }
}

/** Is this `Authorization` empty, or a `Bearer` of nothing? Envoy may have cut off the space behind it. */
function isEmpty(authorization: Slice): bool {
  const ptr = authorization.ptr;
  const len = authorization.len;
  if (len == 0) return true;
  if (!startsWithIgnoreCase(ptr, len, BEARER_SCHEME)) return false;
  for (let i = BEARER_SCHEME.len; i < len; i++) if (load<u8>(ptr + i) != Char.SPACE) return false;
  return true;
}

/**
 * Length of the scheme `Bearer` at [from, end), with one space or more behind it (RFC 6750, section 2.1).
 * @returns 0 for another scheme
 */
function secretStart(from: usize, end: usize): i32 {
  if (!startsWithIgnoreCase(from, <i32>(end - from), BEARER_SCHEME)) return 0;
  let at = from + BEARER_SCHEME.len;
  while (at < end && load<u8>(at) == Char.SPACE) at++;
  const length = <i32>(at - from);
  return length > BEARER_SCHEME.len ? length : 0;
}

/**
 * Does this `Authorization` hold several? Envoy may hand two headers over as one, with a comma between. What
 * follows `Bearer` holds no comma (RFC 6750, section 2.1); of other schemes it may.
 */
function isList(authorization: Slice, bearer: bool): bool {
  const end = authorization.ptr + authorization.len;
  for (let at = authorization.ptr; at < end; at++) {
    if (load<u8>(at) != Char.COMMA) continue;
    if (bearer) return true;
    let next = at + 1;
    while (next < end && load<u8>(next) == Char.SPACE) next++;
    if (secretStart(next, end) > 0) return true;
  }
  return false;
}

const value: Slice = new Slice();
const input: Member = new Member();
const signature: Member = new Member();
