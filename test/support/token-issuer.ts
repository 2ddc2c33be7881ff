import { execFileSync } from "node:child_process";
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface TokenIssuer {
  /** `auth` of the registry's configuration. */
  auth: object;
  stop(): void;
}

/**
 * A token server for docker-registry (distribution's token specification). It needs openssl.
 * @param host how the registry's clients are to call it
 * @param knows whether the caller may have a token, by header `authorization` and refresh token
 */
export async function startTokenIssuer(
  folder: string,
  knows: (authorization: string | undefined, refreshToken: string | null) => boolean,
  host = "127.0.0.1",
): Promise<TokenIssuer> {
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const args = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=issuer", "-days", "2"];
  execFileSync("openssl", [...args, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const token = signer(await readFile(key, "utf8"), await readFile(certificate, "utf8"));
  const server = createServer(async (request, response) => {
    const query = new URL(request.url ?? "", "http://issuer").searchParams;
    const form = new URLSearchParams(await text(request));
    const known = knows(request.headers.authorization, form.get("refresh_token"));
    response.statusCode = known ? 200 : 401;
    const scope = query.get("scope") ?? form.get("scope") ?? "";
    response.end(JSON.stringify(known ? { token: token(scope) } : {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const realm = `http://${host}:${port}/token`;
  return {
    auth: { token: { realm, service: "registry", issuer: "issuer", rootcertbundle: certificate } },
    stop: () => server.close(),
  };
}

/** Header `authorization` of a user. */
export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

/** Makes the JSON Web Tokens that docker-registry takes. */
function signer(keyPem: string, certificatePem: string): (scope: string) => string {
  const key = createPrivateKey(keyPem);
  const x5c = [new X509Certificate(certificatePem).raw.toString("base64")];
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return (scope) => {
    const [type, name, actions = ""] = scope.split(":");
    const now = Math.floor(Date.now() / 1000);
    const access = scope ? [{ type, name, actions: actions.split(",") }] : [];
    const times = { iat: now, nbf: now - 10, exp: now + 300 };
    const claims = { iss: "issuer", sub: "user", aud: "registry", jti: randomUUID(), ...times, access };
    const unsigned = `${part({ typ: "JWT", alg: "RS256", x5c })}.${part(claims)}`;
    return `${unsigned}.${sign("sha256", Buffer.from(unsigned), key).toString("base64url")}`;
  };
}
