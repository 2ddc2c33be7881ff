import { createCipheriv, createHmac } from "node:crypto";

/** Variable of a gateway pod's environment that holds its sealing keys. */
export const SEALING_KEY_VARIABLE = "MODELGATE_SEALING_KEY";
const KEY_DIGITS = /[0-9a-f]{64}/i;
const NONCE_BYTES = 12;

/**
 * Seals a secret for filters/tenant-auth/sealed-secret.ts (AEAD_CHACHA20_POLY1305, RFC 8439). The nonce
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
