import { execFileSync } from "node:child_process";
import { createPrivateKey, randomUUID, sign, X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/oci/image.ts";
import { pullModule } from "../../tools/oci/pull-module.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pushImage } from "../../tools/oci/registry.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const IDENTITY_TOKEN = "a-refresh-token";
const missing = missingPrograms("docker-registry", "openssl");
if (missing.length > 0) console.warn(`token tests are skipped: install ${missing.join(", ")}`);

/** A registry that asks for tokens, with a token server (distribution's token specification) that knows "user". */
describe.skipIf(missing.length > 0)("a registry with token authentication", () => {
  let folder: string;
  let registry: TestRegistry;
  let issuer: Server;
  const path = process.env.PATH;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-token-"));
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const arguments_ = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=issuer", "-days", "2"];
    execFileSync("openssl", [...arguments_, "-keyout", key, "-out", certificate], { stdio: "ignore" });
    const token = signer(await readFile(key, "utf8"), await readFile(certificate, "utf8"));
    issuer = createServer(async (request, response) => {
      const query = new URL(request.url ?? "", "http://issuer").searchParams;
      const form = new URLSearchParams(await text(request));
      const basic = `Basic ${Buffer.from("user:secret").toString("base64")}`;
      const known = request.headers.authorization === basic || form.get("refresh_token") === IDENTITY_TOKEN;
      response.statusCode = known ? 200 : 401;
      response.end(
        JSON.stringify(known ? { token: token(query.get("scope") ?? form.get("scope") ?? "") } : {}),
      );
    });
    await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
    const { port } = issuer.address() as { port: number };
    registry = await startTestRegistry(folder, {
      token: {
        realm: `http://127.0.0.1:${port}/token`,
        service: "registry",
        issuer: "issuer",
        rootcertbundle: certificate,
      },
    });
    const helper = join(folder, "docker-credential-test");
    await writeFile(
      helper,
      `#!/bin/sh\nread -r host || true\n[ "$host" = "${registry.host}" ] && echo '{"Username":"user","Secret":"secret"}'\n`,
    );
    await chmod(helper, 0o755);
    process.env.PATH = `${folder}${delimiter}${path}`;
    process.env.DOCKER_CONFIG = folder;
  });
  afterAll(async () => {
    process.env.PATH = path;
    registry?.stop();
    issuer?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it.each<[string, (host: string) => object]>([
    ["a password", (host) => ({ auths: { [host]: { username: "user", password: "secret" } } })],
    ["a helper of the registry", (host) => ({ credHelpers: { [host]: "test" } })],
    ["a general helper", () => ({ credsStore: "test" })],
    ["an identity token", (host) => ({ auths: { [host]: { identitytoken: IDENTITY_TOKEN } } })],
  ])("by %s", async (name, config) => {
    await writeFile(join(folder, "config.json"), JSON.stringify(config(registry.host)));
    const repository = `modelgate/${name.replaceAll(" ", "-")}`;
    const reference = parseReference(`oci://${registry.host}/${repository}:v1`);
    const pushed = await pushImage(await packImage(MODULE, "artifact"), reference);
    expect(Uint8Array.from(await pullModule(parseReference(pushed)))).toEqual(MODULE);
  });

  it.each<[string, (host: string) => object, RegExp]>([
    [
      "a wrong password",
      (host) => ({ auths: { [host]: { username: "user", password: "no" } } }),
      /get a token: HTTP 401.*docker login/,
    ],
    ["a helper that is not there", () => ({ credsStore: "none" }), /cannot run docker-credential-none/],
  ])("not by %s", async (_name, config, message) => {
    await writeFile(join(folder, "config.json"), JSON.stringify(config(registry.host)));
    const push = pushImage(
      await packImage(MODULE, "artifact"),
      parseReference(`oci://${registry.host}/a:v1`),
    );
    await expect(push).rejects.toThrow(message);
  });
});

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
