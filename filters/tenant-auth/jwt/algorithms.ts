import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { appendField } from "../../sdk/bytes/protobuf";
import { callForeign, foreignResult } from "../../sdk/host/foreign-function";
import { appendEcdsaSignature } from "../crypto/der";
import { equalDigests } from "../crypto/equal-digests";
import { hmacSha256 } from "../crypto/hmac-sha256";
import { verifyPs256 } from "../crypto/rsa-pss";
import { SHA256_SIZE } from "../crypto/sha256";
import { Jwk, KeyType } from "./jwk";

/** Signature algorithms of JSON Web Tokens (RFC 7518, section 3) that can be checked. */
export enum Algorithm {
  None,
  RS256,
  RS384,
  RS512,
  PS256,
  ES256,
  ES384,
  HS256,
}

/**
 * Their names, in the order of the enumeration. EdDSA is not among them: Envoy's `verify_signature` insists
 * on a hash function, which Ed25519 keys refuse.
 */
export const ALGORITHM_NAMES: string[] = ["", "RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "HS256"];
const NAMES: Bytes[] = ALGORITHM_NAMES.map<Bytes>((name) => bytes(name));

/** @returns Algorithm.None for an unknown name, `none` among them: names are compared exactly */
export function algorithmOf(name: usize, len: i32): Algorithm {
  for (let i = 1; i < NAMES.length; i++) if (NAMES[i].equals(name, len)) return <Algorithm>i;
  return Algorithm.None;
}

/**
 * May this key check signatures of this algorithm? A key of another type never may, whatever the token says.
 */
export function fits(key: Jwk, algorithm: Algorithm): bool {
  if (key.alg.len > 0 && algorithmOf(key.alg.ptr, key.alg.len) != algorithm) return false;
  if (algorithm == Algorithm.HS256) return key.type == KeyType.Secret;
  if (algorithm == Algorithm.ES256) return key.type == KeyType.P256;
  if (algorithm == Algorithm.ES384) return key.type == KeyType.P384;
  return key.type == KeyType.Rsa;
}

const VERIFY_SIGNATURE = bytes("verify_signature");
const SHA256 = bytes("sha256");
const SHA384 = bytes("sha384");
const SHA512 = bytes("sha512");

/** Fields of envoy.source.extensions.common.wasm.VerifySignatureArguments. */
const HASH_FUNCTION: i32 = 1;
const PUBLIC_KEY: i32 = 2;
const SIGNATURE: i32 = 3;
const TEXT: i32 = 4;
/** VerifySignatureResult with `result` true and nothing else. */
const VERIFIED: u16 = 0x0108;

const args: ByteBuffer = new ByteBuffer();
const ecdsa: ByteBuffer = new ByteBuffer();
const mac: usize = memory.data(SHA256_SIZE, 8);

/** Is [signature, signature + size) the signature of [text, text + len) by a key that fits the algorithm? */
export function verify(
  key: Jwk,
  algorithm: Algorithm,
  signature: usize,
  size: i32,
  text: usize,
  len: i32,
): bool {
  if (algorithm == Algorithm.HS256) {
    hmacSha256(key.material.ptr, key.material.len, text, len, mac);
    return size == SHA256_SIZE && equalDigests(mac, signature);
  }
  if (key.type == KeyType.Rsa) {
    if (size != key.modulus.len) return false;
    if (algorithm == Algorithm.PS256) return verifyPs256(key.modulus.ptr, size, signature, text, len);
    const hash = algorithm == Algorithm.RS256 ? SHA256 : algorithm == Algorithm.RS384 ? SHA384 : SHA512;
    return verifyByHost(key, hash, signature, size, text, len);
  }
  const half = algorithm == Algorithm.ES256 ? 32 : 48;
  if (size != 2 * half) return false;
  ecdsa.clear();
  appendEcdsaSignature(ecdsa, half, signature, signature + half);
  return verifyByHost(key, half == 32 ? SHA256 : SHA384, ecdsa.ptr, ecdsa.len, text, len);
}

function verifyByHost(key: Jwk, hash: Bytes, signature: usize, size: i32, text: usize, len: i32): bool {
  args.clear();
  appendField(args, HASH_FUNCTION, hash.ptr, hash.len);
  appendField(args, PUBLIC_KEY, key.material.ptr, key.material.len);
  appendField(args, SIGNATURE, signature, size);
  appendField(args, TEXT, text, len);
  return callForeign(VERIFY_SIGNATURE, args.ptr, args.len) == 2 && load<u16>(foreignResult()) == VERIFIED;
}
