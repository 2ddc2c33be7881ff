import type { JwtIssuer } from "./jwt-issuer.ts";

type Algorithm = NonNullable<JwtIssuer["algorithms"]>[number];

/** What counts where an issuer names no algorithms, as in filters/tenant-auth/jwt/read-issuer.ts. */
const DEFAULT_ALGORITHMS: Algorithm[] = ["RS256", "RS384", "RS512", "ES256", "ES384"];
const OF_RSA: Algorithm[] = ["RS256", "RS384", "RS512", "PS256"];
const RSA_MIN_BYTES = 256;
const RSA_MAX_BYTES = 512;
const SECRET_MIN_BYTES = 32;

/**
 * Can a key of a key set (RFC 7517) check signatures of an algorithm that is accepted? The filter leaves out
 * those that can't; its filters/tenant-auth/jwt/key-set.ts chooses alike.
 */
export function isUsable(key: unknown, algorithms: Algorithm[] = DEFAULT_ALGORITHMS): boolean {
  const { use, alg } = members(key);
  if (use !== undefined && use !== "" && use !== "sig") return false;
  if (!isWellFormed(key as Record<string, unknown>)) return false;
  return algorithmsOf(members(key)).some(
    (algorithm) => algorithms.includes(algorithm) && (alg === undefined || alg === "" || alg === algorithm),
  );
}

/** Are the members that choose a key of their type, and is `verify` among its operations, if it says any? */
function isWellFormed(key: Record<string, unknown>): boolean {
  const texts = ["use", "kid", "alg"].every((name) => ["string", "undefined"].includes(typeof key?.[name]));
  const operations = key?.key_ops;
  return texts && (operations === undefined || (Array.isArray(operations) && operations.includes("verify")));
}

/** Algorithms that a key of this type can check. */
function algorithmsOf(key: Record<string, string>): Algorithm[] {
  switch (key.kty) {
    case "RSA":
      return isRsaKey(key) ? OF_RSA : [];
    case "EC":
      if (key.crv === "P-256" && hasPoint(key, 32)) return ["ES256"];
      return key.crv === "P-384" && hasPoint(key, 48) ? ["ES384"] : [];
    case "oct":
      return (decoded(key.k)?.length ?? 0) >= SECRET_MIN_BYTES ? ["HS256"] : [];
    default:
      return [];
  }
}

function isRsaKey({ n, e }: Record<string, string>): boolean {
  const modulus = decoded(n);
  if (!modulus || decoded(e)?.toString("hex") !== "010001") return false;
  const { length } = modulus;
  return length >= RSA_MIN_BYTES && length <= RSA_MAX_BYTES && length % 4 === 0 && (modulus[0] ?? 0) >= 0x80;
}

function hasPoint({ x, y }: Record<string, string>, bytes: number): boolean {
  return decoded(x)?.length === bytes && decoded(y)?.length === bytes;
}

/** What canonical base64url without padding says. */
function decoded(text = ""): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  return text !== "" && bytes.toString("base64url") === text ? bytes : undefined;
}

/** The members that are strings. */
function members(key: unknown): Record<string, string> {
  if (typeof key !== "object" || key === null) return {};
  return Object.fromEntries(Object.entries(key).filter(([, value]) => typeof value === "string"));
}
