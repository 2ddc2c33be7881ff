import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes, copyBytes } from "../../sdk/bytes/bytes";
import { Json, JsonKind } from "../../sdk/bytes/json";
import { appendBase64Url } from "../crypto/base64";
import { appendEcKey, appendRsaKey } from "../crypto/der";
import { RSA_MAX_BYTES } from "../crypto/rsa-pss";

export enum KeyType {
  Rsa,
  P256,
  P384,
  Secret,
}

/** One key of a JSON Web Key Set (RFC 7517), in the form that checking a signature needs. */
export class Jwk {
  constructor(
    readonly type: KeyType,
    /** Empty: the set does not name it. */
    readonly kid: Bytes,
    /** Algorithm that the key is kept for; empty: any that its type can do. */
    readonly alg: Bytes,
    /** SubjectPublicKeyInfo in DER; the secret itself of an HMAC key. */
    readonly material: Bytes,
    /** RSA: the modulus, big-endian. */
    readonly modulus: Bytes,
  ) {}
}

/** RFC 7518, section 3.2: an HS256 key has as many bits as the hash. */
const SECRET_MIN_BYTES: i32 = 32;
const RSA_MIN_BYTES: i32 = 256;

const first: ByteBuffer = new ByteBuffer();
const second: ByteBuffer = new ByteBuffer();
const der: ByteBuffer = new ByteBuffer();
const NONE = bytes("");

function member(json: Json, name: string): string {
  const index = json.keys.indexOf(name);
  return index >= 0 && json.items[index].kind == JsonKind.String ? json.items[index].text : "";
}

function decode(json: Json, name: string, out: ByteBuffer): bool {
  const text = bytes(member(json, name));
  out.clear();
  return text.len > 0 && appendBase64Url(out, text.ptr, text.len);
}

/**
 * Reads one key. @param secrets whether symmetric keys are taken
 * @returns null for one that is not for signatures, or of a type that cannot be checked here
 */
export function parseJwk(json: Json, secrets: bool): Jwk | null {
  if (!isForSignatures(json) || !isTextOrAbsent(json, "kid") || !isTextOrAbsent(json, "alg")) return null;
  const kty = member(json, "kty");
  if (kty == "RSA") return rsa(json);
  if (kty == "EC") return elliptic(json);
  if (kty == "oct" && secrets && decode(json, "k", first) && first.len >= SECRET_MIN_BYTES) {
    return key(json, KeyType.Secret, copyBytes(first.ptr, first.len), NONE);
  }
  return null;
}

/** RFC 7517, sections 4.2 and 4.3: both say so, where they say anything. */
function isForSignatures(json: Json): bool {
  const use = member(json, "use");
  if (!isTextOrAbsent(json, "use") || (use.length > 0 && use != "sig")) return false;
  const index = json.keys.indexOf("key_ops");
  if (index < 0) return true;
  const operations = json.items[index].items;
  for (let i = 0; i < operations.length; i++)
    if (json.items[index].kind == JsonKind.Array && operations[i].text == "verify") return true;
  return false;
}

function isTextOrAbsent(json: Json, name: string): bool {
  const index = json.keys.indexOf(name);
  return index < 0 || json.items[index].kind == JsonKind.String;
}

function rsa(json: Json): Jwk | null {
  if (!decode(json, "n", first) || !decode(json, "e", second)) return null;
  if (first.len < RSA_MIN_BYTES || first.len > RSA_MAX_BYTES || first.len % 4 != 0) return null;
  if (load<u8>(first.ptr) < 0x80) return null;
  const exponent65537 = second.len == 3 && load<u16>(second.ptr) == 1 && load<u8>(second.ptr, 2) == 1;
  if (!exponent65537) return null;
  der.clear();
  appendRsaKey(der, first.ptr, first.len, second.ptr, second.len);
  return key(json, KeyType.Rsa, copyBytes(der.ptr, der.len), copyBytes(first.ptr, first.len));
}

function elliptic(json: Json): Jwk | null {
  const curve = member(json, "crv");
  const size = curve == "P-256" ? 32 : curve == "P-384" ? 48 : 0;
  if (size == 0 || !decode(json, "x", first) || !decode(json, "y", second)) return null;
  if (first.len != size || second.len != size) return null;
  der.clear();
  appendEcKey(der, size, first.ptr, second.ptr);
  return key(json, size == 32 ? KeyType.P256 : KeyType.P384, copyBytes(der.ptr, der.len), NONE);
}

function key(json: Json, type: KeyType, material: Bytes, modulus: Bytes): Jwk {
  return new Jwk(type, bytes(member(json, "kid")), bytes(member(json, "alg")), material, modulus);
}
