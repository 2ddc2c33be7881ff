import { Json, JsonKind } from "../../sdk/bytes/json";
import { ALGORITHM_NAMES, Algorithm, fits } from "./algorithms";
import { Jwk, parseJwk } from "./jwk";

const MAX_KEYS: i32 = 64;

/**
 * Reads a key set. Keys that are not understood, not for signatures, or for no accepted algorithm are left
 * out, as RFC 7517 section 5 asks; `leftOut` says which. tools/api/key-set.ts chooses alike.
 * @param secrets whether symmetric keys are taken; a set that was fetched holds public keys only
 * @param algorithms bit a: Algorithm a is accepted
 * @returns null when it is no key set
 */
export function parseJwks(json: Json, secrets: bool, algorithms: u32, leftOut: string[]): Jwk[] | null {
  const index = json.keys.indexOf("keys");
  if (index < 0 || json.items[index].kind != JsonKind.Array) return null;
  const items = json.items[index].items;
  const keys: Jwk[] = [];
  for (let i = 0; i < items.length; i++) {
    const key = keys.length < MAX_KEYS ? parseJwk(items[i], secrets) : null;
    if (key != null && fitsOne(key, algorithms)) keys.push(key);
    else leftOut.push(`keys[${i.toString()}]`);
  }
  return keys;
}

function fitsOne(key: Jwk, algorithms: u32): bool {
  for (let algorithm = 1; algorithm < ALGORITHM_NAMES.length; algorithm++)
    if (((algorithms >> algorithm) & 1) != 0 && fits(key, <Algorithm>algorithm)) return true;
  return false;
}
