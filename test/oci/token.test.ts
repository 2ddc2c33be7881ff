import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/lib/oci/image.ts";
import { pullModule } from "../../tools/lib/oci/pull-module.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { basicAuthorization, startTokenIssuer, type TokenIssuer } from "../support/token-issuer.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const IDENTITY_TOKEN = "a-refresh-token";
const missing = missingPrograms("docker-registry", "openssl");
if (missing.length > 0) console.warn(`token tests are skipped: install ${missing.join(", ")}`);

/** A registry that asks for tokens, with a token server (distribution's token specification) that knows "user". */
describe.skipIf(missing.length > 0)("a registry with token authentication", () => {
  let folder: string;
  let registry: TestRegistry;
  let issuer: TokenIssuer;
  const path = process.env.PATH;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-token-"));
    issuer = await startTokenIssuer(
      folder,
      (authorization, refreshToken) =>
        authorization === basicAuthorization("user", "secret") || refreshToken === IDENTITY_TOKEN,
    );
    registry = await startTestRegistry(folder, issuer.auth);
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
    issuer?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each<[string, (host: string) => object]>([
    ["a password", (host) => ({ auths: { [host]: { username: "user", password: "secret" } } })],
    [
      "a password under an address",
      (host) => ({ auths: { [`https://${host}/v1/`]: { username: "user", password: "secret" } } }),
    ],
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
