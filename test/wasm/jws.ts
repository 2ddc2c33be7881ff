import "../../filters/sdk/host/abort";
import { parseJson } from "../../filters/sdk/bytes/json";
import { allocateForHost, resetArena } from "../../filters/sdk/host/arena";
import { algorithmOf, fits, verify } from "../../filters/tenant-auth/jwt/algorithms";
import { Jwk, parseJwk } from "../../filters/tenant-auth/jwt/jwk";

/** How tenant-auth checks a signature with a key of a set, for tests: inputs lie in memory from `allocate`. */

export const UNUSABLE: i32 = -1;
export const UNFIT: i32 = -2;

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

/** The host's results. */
export function proxy_on_memory_allocate(size: usize): usize {
  return allocateForHost(size);
}

/**
 * Is `signature` that of the text by this key?
 * @param jwk one key as JSON
 * @param algorithm its name, such as RS256
 * @returns 1 or 0; UNUSABLE for a key that no set may hold, UNFIT for one of another algorithm
 */
export function check(
  jwk: usize,
  jwkLen: i32,
  algorithm: usize,
  algorithmLen: i32,
  signature: usize,
  size: i32,
  text: usize,
  len: i32,
): i32 {
  resetArena();
  const json = parseJson(jwk, jwkLen, []);
  const key: Jwk | null = json == null ? null : parseJwk(json, true);
  if (key == null) return UNUSABLE;
  const known = algorithmOf(algorithm, algorithmLen);
  if (!fits(key, known)) return UNFIT;
  return i32(verify(key, known, signature, size, text, len));
}
