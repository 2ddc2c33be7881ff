/** Credentials of a Tenant for property tests, valid: none has the proof of another. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { credential } from "../../tools/api/credential.ts";
import { ABSENT, arbitraryOf } from "./schema-arbitrary.ts";

type Json = Record<string, unknown>;

const AT = "spec.credentials[]";
export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Names that tasks have and prefixes of them, so that grants meet. */
export const taskPattern = fc.constantFrom(
  ...["t0", "t1", "a", "A.b_c~d-e", "x".repeat(128), "-", "0", "*", "search-*", `${"y".repeat(63)}*`],
);
const instant = (year: string) =>
  fc
    .constantFrom("01-31T00:00:00Z", "12-31T23:59:59.999Z", "02-01T00:00:00.5+14:00")
    .map((rest) => year + rest);

const KINDS = ["key", "keySecret", "hmac", "token", "tokenOfAny", "der", "uri", "subject", "dns"] as const;
/** Given by `proof` and by what uses this. */
const GIVEN = ["id", "type", "sha256", "secretRef", "issuer", "subject", "priority"];

const rest = arbitraryOf(credential, AT, {
  ...Object.fromEntries(GIVEN.map((name) => [`${AT}.${name}`, ABSENT])),
  [`${AT}.tasks[].task`]: taskPattern,
  [`${AT}.notBefore`]: instant("2020-"),
  [`${AT}.notAfter`]: instant("2040-"),
}) as fc.Arbitrary<Json>;

/** One credential; its index and the issuers and classes of its tenant say what it is. */
export type Maker = (index: number, issuers: string[], classes: string[]) => Json;

export const arbitraryCredential: fc.Arbitrary<Maker> = fc
  .record({ kind: fc.constantFrom(...KINDS), rest, priority: fc.nat(7) })
  .map(({ kind, rest, priority }) => (index, issuers, classes) => ({
    id: `c${index}`,
    ...proof(kind, index, issuers),
    ...rest,
    ...(priority < classes.length && { priority: classes[priority] }),
  }));

/** What proves a credential of a kind, another for each index; without an issuer it is an API key. */
function proof(kind: (typeof KINDS)[number], index: number, issuers: string[]): Json {
  const secretRef = { name: "secrets", key: `k${index}` };
  const issuer = issuers[index % Math.max(1, issuers.length)];
  switch (kind) {
    case "keySecret":
      return { type: "apiKey", secretRef };
    case "hmac":
      return { type: "hmac", secretRef };
    case "token":
      if (issuer !== undefined) return { type: "token", issuer, subject: `s${index}` };
      break;
    case "tokenOfAny":
      if (issuer !== undefined && index < issuers.length) return { type: "token", issuer };
      break;
    case "der":
      return { type: "certificate", sha256: sha256(`der ${index}`) };
    case "uri":
      return { type: "certificate", subject: `spiffe://cluster.local/ns/${index}` };
    case "subject":
      return { type: "certificate", subject: `CN=client ${index},O=a` };
    case "dns":
      return { type: "certificate", subject: `c${index}.example` };
  }
  return { sha256: sha256(`key ${index}`) };
}
