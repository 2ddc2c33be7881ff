import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { Slice } from "../../sdk/bytes/slice";
import { appendBase64 } from "../crypto/base64";
import { Component } from "./component";
import { keyEnd } from "./labels";

/**
 * One signature of the headers `Signature-Input` and `Signature` of HTTP Message Signatures (RFC 9421,
 * sections 4.1 and 4.2), structured fields (RFC 9651). Only the canonical form is taken, one space between
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
  /** As it is written, escapes included, which one nonce has one way of. Empty when absent. */
  readonly nonce: Slice = new Slice();
  /** Seconds since 1970; -1 when absent. */
  created: i64 = -1;
  expires: i64 = -1;
  /** The signature's bytes. */
  readonly signature: ByteBuffer = new ByteBuffer();
  componentCount: i32 = 0;
  private readonly components: StaticArray<Component> = new StaticArray<Component>(MAX_COMPONENTS);
  private at: usize = 0;
  private end: usize = 0;

  constructor() {
    for (let i = 0; i < MAX_COMPONENTS; i++) this.components[i] = new Component();
  }

  component(index: i32): Component {
    return this.components[index];
  }

  /** Is this header or derived component covered, without parameters? */
  covers(name: Bytes): bool {
    for (let i = 0; i < this.componentCount; i++) {
      const component = this.components[i];
      if (component.isPlain && name.equals(component.ptr, component.len)) return true;
    }
    return false;
  }

  /**
   * Reads a signature's members of both headers: their values, without label and `=`.
   * @returns false when they are not in the form above
   */
  parse(input: Slice, signature: Slice): bool {
    this.at = input.ptr;
    this.end = input.ptr + input.len;
    this.componentCount = 0;
    this.created = this.expires = -1;
    this.keyid.len = this.nonce.len = 0;
    this.params.ptr = input.ptr;
    this.params.len = input.len;
    if (!this.innerList()) return false;
    while (this.at < this.end) if (!this.parameter()) return false;
    return this.readSignature(signature);
  }

  /** A byte sequence (RFC 9651, section 3.3.5). */
  private readSignature(member: Slice): bool {
    const ptr = member.ptr;
    const size = member.len - 2;
    this.signature.clear();
    if (size < 0 || load<u8>(ptr) != Char.COLON || load<u8>(ptr + member.len - 1) != Char.COLON) return false;
    return appendBase64(this.signature, ptr + 1, size);
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
      if (!this.readComponent(this.components[this.componentCount])) return false;
      this.componentCount++;
    }
    return true;
  }

  /** A name in quotes and its parameters; the same one is there once. */
  private readComponent(component: Component): bool {
    const from = this.at;
    if (!this.string(text)) return false;
    component.start(text);
    while (this.take(Char.SEMICOLON)) {
      if (!this.key(text)) return false;
      value.len = 0;
      if (this.take(Char.EQUALS) && !this.bareItem(value)) return false;
      component.addParameter(text, value);
    }
    component.end(from, this.at);
    for (let i = 0; i < this.componentCount; i++) if (this.components[i].equals(component)) return false;
    return true;
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

  private key(slice: Slice): bool {
    const end = keyEnd(this.at, this.end);
    slice.ptr = this.at;
    slice.len = <i32>(end - this.at);
    this.at = end;
    return slice.len > 0;
  }

  /** A parameter's value: `slice` is that of a string, and empty for what is none. */
  private bareItem(slice: Slice): bool {
    if (this.at < this.end && load<u8>(this.at) == Char.QUOTE) return this.string(slice);
    const from = this.at;
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c <= Char.SPACE || c >= Char.DELETE || c == Char.QUOTE) break;
      if (c == Char.SEMICOLON || c == Char.CLOSE_PAREN) break;
      this.at++;
    }
    return this.at > from;
  }

  /** RFC 9651, section 3.3.3: what is between the quotes, with its escapes. */
  private string(slice: Slice): bool {
    if (!this.take(Char.QUOTE)) return false;
    const from = this.at;
    for (; this.at < this.end && load<u8>(this.at) != Char.QUOTE; this.at++) {
      const c = load<u8>(this.at);
      if (c < Char.SPACE || c >= Char.DELETE) return false;
      if (c != Char.BACKSLASH) continue;
      this.at++;
      if (this.at >= this.end) return false;
      const escaped = load<u8>(this.at);
      if (escaped != Char.QUOTE && escaped != Char.BACKSLASH) return false;
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
const value: Slice = new Slice();
