import { createHash } from "node:crypto";

/**
 * Digests as tenant-auth computes them (filters/tenant-auth/registry.ts, tenant-auth.ts), 64 hexadecimal
 * digits.
 */

export function sha256Hex(value: string | Uint8Array): string {
  return createHash("sha256").update(value).digest("hex");
}

/** What revokes a credential by its id, whatever its type. */
export function revocationOfId(tenant: string, id: string): string {
  return sha256Hex(`id:${tenant}/${id}`);
}

/** What revokes one token, by the claims `iss` and `jti`. */
export function revocationOfToken(issuer: string, jti: string): string {
  return sha256Hex(`jti:${issuer}\n${jti}`);
}
