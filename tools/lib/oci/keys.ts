import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";

const PASSWORD = "MODELGATE_KEY_PASSWORD";

/**
 * Writes a new key pair, `<prefix>.key` (only its owner may read it; encrypted when $MODELGATE_KEY_PASSWORD
 * is set) and `<prefix>.pub`.
 * @throws Error when one of them is there: neither is overwritten
 */
export async function generateKeys(prefix: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const password = process.env[PASSWORD];
  const pem = privateKey.export({
    type: "pkcs8",
    format: "pem",
    ...(password ? { cipher: "aes-256-cbc", passphrase: password } : {}),
  });
  for (const file of [`${prefix}.key`, `${prefix}.pub`])
    if (existsSync(file)) throw new Error(`${file}: is there already: name another --generate-key`);
  await writeFile(`${prefix}.key`, pem, { mode: 0o600, flag: "wx" });
  await writeFile(`${prefix}.pub`, publicKey.export({ type: "spki", format: "pem" }), { flag: "wx" });
}

/** A private key in PEM. @throws Error that says what is wrong, never what is in the file */
export async function privateKey(file: string): Promise<KeyObject> {
  const pem = await readKey(file);
  try {
    return requireP256(createPrivateKey({ key: pem, passphrase: process.env[PASSWORD] ?? "" }), file);
  } catch (error) {
    if (error instanceof WrongKey) throw error;
    throw new Error(`${file}: is no private key in PEM, or its password is not in $${PASSWORD}`);
  }
}

/** A public key in PEM. @throws Error that says what is wrong */
export async function publicKey(file: string): Promise<KeyObject> {
  const pem = await readKey(file);
  if (pem.includes("PRIVATE KEY")) throw new Error(`${file}: is a private key; verify with the public one`);
  try {
    return requireP256(createPublicKey(pem), file);
  } catch (error) {
    if (error instanceof WrongKey) throw error;
    throw new Error(`${file}: is no public key in PEM`);
  }
}

async function readKey(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch {
    throw new Error(`${file}: cannot be read: check --key`);
  }
}

class WrongKey extends Error {}

function requireP256(key: KeyObject, file: string): KeyObject {
  if (key.asymmetricKeyType !== "ec" || key.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new WrongKey(`${file}: must be an ECDSA key on P-256`);
  return key;
}
