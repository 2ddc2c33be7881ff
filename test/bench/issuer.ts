import { generateKeyPairSync, sign } from "node:crypto";

/** An issuer of tokens (RS256, a key of 2048 bits) as filters know it, and the tokens it gives to the caller `subject`. */
export interface Issuer {
  issuer: string;
  audiences: string[];
  jwks: { keys: object[] };
  subject: string;
  /** A token that is good for a day. @param number makes it another one */
  token(number?: number): string;
}

export function makeIssuer(): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const [issuer, audience, subject] = ["https://login.example", "models", "batch"];
  const header = encoded({ alg: "RS256", typ: "JWT", kid: "k" });
  const exp = Math.floor(Date.now() / 1000) + 86_400;
  return {
    issuer,
    audiences: [audience],
    jwks: { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k", use: "sig", alg: "RS256" }] },
    subject,
    token(number = 0) {
      const claims = { iss: issuer, aud: audience, sub: subject, exp, jti: `token-${number}` };
      const text = `${header}.${encoded(claims)}`;
      return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
    },
  };
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
