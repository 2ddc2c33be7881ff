import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char, isDigit } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { appendBase64 } from "../crypto/base64";

/**
 * The headers `Signature-Input` and `Signature` of HTTP Message Signatures (RFC 9421, sections 4.1 and 4.2),
 * structured fields (RFC 8941) of one member each. Only the canonical form is taken, one space between
 * components and none elsewhere, so that the text itself is the value of `@signature-params`.
 */

const CREATED = bytes("created");
const EXPIRES = bytes("expires");
const KEYID = bytes("keyid");
const NONCE = bytes("nonce");
const ALG = bytes("alg");
const TAG = bytes("tag");
const HMAC_SHA256 = bytes("hmac-sha256");

const MAX_COMPONENTS: i32 = 32;

export class SignatureInput {
  /** Text of the components and parameters, from `(` on. */
  readonly params: Slice = new Slice();
  readonly keyid: Slice = new Slice();
  readonly nonce: Slice = new Slice();
  /** Seconds since 1970; -1 when absent. */
  created: i64 = -1;
  expires: i64 = -1;
  /** The signature's bytes. */
  readonly signature: ByteBuffer = new ByteBuffer();
  componentCount: i32 = 0;
  private readonly label: Slice = new Slice();
  /** (usize pointer, i32 length) of each component's name. */
  private readonly components: StaticArray<usize> = new StaticArray<usize>(2 * MAX_COMPONENTS);
  private at: usize = 0;
  private end: usize = 0;

  componentPtr(index: i32): usize {
    return this.components[index * 2];
  }

  componentLen(index: i32): i32 {
    return <i32>this.components[index * 2 + 1];
  }

  covers(name: Bytes): bool {
    for (let i = 0; i < this.componentCount; i++) {
      if (name.equals(this.componentPtr(i), this.componentLen(i))) return true;
    }
    return false;
  }

  /** Reads both headers. @returns false when they are not in the form above */
  parse(input: Slice, signature: Slice): bool {
    this.at = input.ptr;
    this.end = input.ptr + input.len;
    this.componentCount = 0;
    this.created = this.expires = -1;
    this.keyid.len = this.nonce.len = 0;
    if (!this.key(this.label) || !this.take(Char.EQUALS)) return false;
    this.params.ptr = this.at;
    this.params.len = <i32>(this.end - this.at);
    if (!this.innerList()) return false;
    while (this.at < this.end) if (!this.parameter()) return false;
    return this.readSignature(signature);
  }

  private readSignature(header: Slice): bool {
    this.at = header.ptr;
    this.end = header.ptr + header.len;
    if (!this.key(text) || !this.take(Char.EQUALS) || !this.take(Char.COLON)) return false;
    const sameLabel =
      text.len == this.label.len && memory.compare(text.ptr, this.label.ptr, this.label.len) == 0;
    const size = <i32>(this.end - this.at) - 1;
    if (!sameLabel || size < 0 || load<u8>(this.end - 1) != Char.COLON) return false;
    this.signature.clear();
    return appendBase64(this.signature, this.at, size);
  }

  private take(c: u8): bool {
    if (this.at >= this.end || load<u8>(this.at) != c) return false;
    this.at++;
    return true;
  }

  private innerList(): bool {
    if (!this.take(Char.OPEN_PAREN)) return false;
    while (!this.take(Char.CLOSE_PAREN)) {
      if (this.componentCount == MAX_COMPONENTS) return false;
      if (this.componentCount > 0 && !this.take(Char.SPACE)) return false;
      if (!this.string(text) || this.known(text)) return false;
      this.components[this.componentCount * 2] = text.ptr;
      this.components[this.componentCount * 2 + 1] = text.len;
      this.componentCount++;
    }
    return true;
  }

  private known(name: Slice): bool {
    for (let i = 0; i < this.componentCount; i++) {
      if (this.componentLen(i) != name.len) continue;
      if (memory.compare(this.componentPtr(i), name.ptr, name.len) == 0) return true;
    }
    return false;
  }

  private parameter(): bool {
    if (!this.take(Char.SEMICOLON) || !this.key(text) || !this.take(Char.EQUALS)) return false;
    const ptr = text.ptr;
    const len = text.len;
    if (CREATED.equals(ptr, len)) {
      if (this.created >= 0) return false;
      this.created = this.integer();
      return this.created >= 0;
    }
    if (EXPIRES.equals(ptr, len)) {
      if (this.expires >= 0) return false;
      this.expires = this.integer();
      return this.expires >= 0;
    }
    if (KEYID.equals(ptr, len)) return this.keyid.len == 0 && this.string(this.keyid);
    if (NONCE.equals(ptr, len)) return this.nonce.len == 0 && this.string(this.nonce);
    if (TAG.equals(ptr, len)) return this.string(text);
    return ALG.equals(ptr, len) && this.string(text) && HMAC_SHA256.equals(text.ptr, text.len);
  }

  /** RFC 8941, section 3.1.2: lower-case letters, digits, `_-.*`. */
  private key(slice: Slice): bool {
    const from = this.at;
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      const letter = c - Char.a < 26 || c == Char.ASTERISK;
      if (
        !letter &&
        (this.at == from || (!isDigit(c) && c != Char.UNDERSCORE && c != Char.MINUS && c != Char.DOT))
      )
        break;
      this.at++;
    }
    slice.ptr = from;
    slice.len = <i32>(this.at - from);
    return slice.len > 0;
  }

  /** RFC 8941, section 3.3.3, without escapes: no name, key or nonce needs them. */
  private string(slice: Slice): bool {
    if (!this.take(Char.QUOTE)) return false;
    const from = this.at;
    while (this.at < this.end && load<u8>(this.at) != Char.QUOTE) {
      const c = load<u8>(this.at);
      if (c < Char.SPACE || c >= Char.DELETE || c == Char.BACKSLASH) return false;
      this.at++;
    }
    slice.ptr = from;
    slice.len = <i32>(this.at - from);
    return this.take(Char.QUOTE) && slice.len > 0;
  }

  /** Up to 15 digits, no sign. @returns -1 when there are none */
  private integer(): i64 {
    let value: i64 = 0;
    let digits = 0;
    while (this.at < this.end) {
      const digit = load<u8>(this.at) - Char._0;
      if (digit >= 10) break;
      if (++digits > 15) return -1;
      value = value * 10 + digit;
      this.at++;
    }
    return digits == 0 ? -1 : value;
  }
}

const text: Slice = new Slice();
