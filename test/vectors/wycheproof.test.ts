import { createPublicKey } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { JwsChecker } from "../support/jws.ts";
import { DIFFERENCES } from "./differences.ts";
import { type Group, type Vector, vectors } from "./wycheproof.ts";

/** Sets of signatures that a JSON Web Token may have: file, and the algorithm of RFC 7518. */
const SETS: [set: string, algorithm: string][] = [
  ...["2048", "3072", "4096"].flatMap((bits): [string, string][] => [
    [`rsa_signature_${bits}_sha256`, "RS256"],
    [`rsa_signature_${bits}_sha384`, "RS384"],
    [`rsa_signature_${bits}_sha512`, "RS512"],
    [`rsa_pss_${bits}_sha256_mgf1_32`, "PS256"],
  ]),
  ["rsa_signature_8192_sha256", "RS256"],
  ["rsa_pss_2048_sha256_mgf1_0", "PS256"],
  ["rsa_pss_2048_sha256_mgf1sha1_20", "PS256"],
  ["rsa_pss_misc", "PS256"],
  ["ecdsa_secp256r1_sha256_p1363", "ES256"],
  ["ecdsa_secp384r1_sha384_p1363", "ES384"],
  ["hmac_sha256", "HS256"],
];

const used = new Set<number>();
let checker: JwsChecker;
let checked = 0;
beforeAll(async () => {
  checker = await JwsChecker.load();
});

function keyOf({ publicKeyJwk, keyJwk, publicKeyPem }: Group, { key }: Vector): object {
  if (key !== undefined) return { kty: "oct", k: Buffer.from(key, "hex").toString("base64url") };
  const given = publicKeyJwk ?? keyJwk;
  if (given) return given;
  return createPublicKey(publicKeyPem as string).export({ format: "jwk" });
}

/** What is expected of the filter: as the authors say, or a difference that is explained. */
function expected(set: string, group: Group, vector: Vector, said: string): string {
  const rule = DIFFERENCES.findIndex(
    ({ authors, filter, of }) => authors === vector.result && filter === said && of(set, group, vector),
  );
  if (rule >= 0) used.add(rule);
  return rule >= 0 ? said : vector.result;
}

describe.each(SETS)("%s as %s", (set, algorithm) => {
  it("is what its authors say, but for differences that are explained", () => {
    const wrong: string[] = [];
    for (const group of vectors(set))
      for (const vector of group.tests) {
        checked++;
        const signature = Buffer.from(vector.sig ?? vector.tag ?? "", "hex");
        const verdict = checker.check(
          keyOf(group, vector),
          algorithm,
          signature,
          Buffer.from(vector.msg, "hex"),
        );
        // A key that no set may hold refuses as well.
        const said = vector.result === "invalid" && verdict !== "valid" ? "invalid" : verdict;
        if (said !== expected(set, group, vector, said))
          wrong.push(`${vector.tcId} ${vector.result}, filter ${said}: ${vector.comment} [${vector.flags}]`);
      }
    expect(wrong).toEqual([]);
  });
});

it("each difference that is explained is there, and thousands of vectors were tried", () => {
  expect(DIFFERENCES.filter((_, index) => !used.has(index))).toEqual([]);
  expect(checked).toBeGreaterThan(3000);
});
