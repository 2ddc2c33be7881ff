import { createCipheriv, createHmac } from "node:crypto";
import type { Tenant } from "../../api/tenant.ts";
import type { SecretLookup } from "./secret-lookup.ts";

/** Variable of a gateway pod's environment that holds its sealing keys. */
export const SEALING_KEY_VARIABLE = "MODELGATE_SEALING_KEY";
const KEY_DIGITS = /[0-9a-f]{64}/i;
const NONCE_BYTES = 12;

/**
 * Seals a secret for filters/sdk/host/sealed-secret.ts (AEAD_CHACHA20_POLY1305, RFC 8439). The nonce
 * follows from key, purpose and secret: the same secret is always sealed the same, so that a render changes
 * nothing unasked, and two secrets never share a nonce.
 * @param keys 64 hexadecimal digits; of several the first one seals
 * @param purpose what the secret is for, such as `<tenant>/<credential id>`
 * @returns nonce, sealed secret and tag, hexadecimal
 * @throws Error when there is no key
 */
export function seal(keys: string, purpose: string, secret: Uint8Array): string {
  const [digits] = KEY_DIGITS.exec(keys) ?? [];
  if (digits === undefined) throw new Error("a sealing key is 64 hexadecimal digits (openssl rand -hex 32)");
  const key = Buffer.from(digits, "hex");
  const nonce = createHmac("sha256", key)
    .update(`nonce\0${purpose}\0`)
    .update(secret)
    .digest()
    .subarray(0, NONCE_BYTES);
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.from(purpose), { plaintextLength: secret.length });
  return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString("hex");
}

/** Does a text hold a key to seal with? */
export function isSealingKey(text: Uint8Array): boolean {
  return KEY_DIGITS.test(Buffer.from(text).toString());
}

/** A key of a Secret in the gateway's namespace. */
export interface SecretKey {
  name: string;
  key: string;
}

/**
 * Where the key is that seals the secrets of a gateway: the Secret that the Tenant names, or, for pods that
 * are Modelgate's own, one that `apply` makes.
 * @returns undefined where nothing gives the pods a key
 */
export function sealingKeyOf({ spec: { gateway } }: Tenant): SecretKey | undefined {
  if (gateway.sealingKey) return gateway.sealingKey;
  return gateway.deployment ? { name: `${gateway.name}-sealing-key`, key: "key" } : undefined;
}

/**
 * A secret as the plug-in configuration has it: sealed, or in clear where the gateway has no key, as on this
 * machine (`dev`); `requireSecrets` lets none of these into a cluster.
 * @param purpose what the filter opens it for
 * @throws Error when the key is not known, or is none
 */
export function sealedOrClear(
  tenant: Tenant,
  secrets: SecretLookup,
  purpose: string,
  secret: Uint8Array,
): { sealed: string } | { clear: Uint8Array } {
  const sealingKey = sealingKeyOf(tenant);
  if (!sealingKey) return { clear: secret };
  const { namespace } = tenant.spec.gateway;
  const where = `Tenant ${tenant.metadata.name}: spec.gateway.sealingKey: Secret ${namespace}/${sealingKey.name}, key ${sealingKey.key}`;
  const keys = secrets(namespace, sealingKey.name, sealingKey.key);
  if (!keys) throw new Error(`${where}: is not known`);
  try {
    return { sealed: seal(Buffer.from(keys).toString(), purpose, secret) };
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`);
  }
}

/** A token for a server as `readBearer` of filters/sdk/pipeline/bearer-token.ts reads it. */
export function bearerToken(
  tenant: Tenant,
  secrets: SecretLookup,
  cluster: string,
  token: string,
): { sealedToken: string } | { token: string } {
  const made = sealedOrClear(tenant, secrets, `token for ${cluster}`, Buffer.from(token));
  return "sealed" in made ? { sealedToken: made.sealed } : { token };
}

/** The Tenant for this machine alone, whose secrets stand in clear. */
export function unsealed(tenant: Tenant): Tenant {
  const { sealingKey: _, deployment: _pods, ...gateway } = tenant.spec.gateway;
  return { ...tenant, spec: { ...tenant.spec, gateway } };
}
