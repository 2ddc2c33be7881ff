import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { packImage } from "../../tools/lib/oci/image.ts";
import { pullModule } from "../../tools/lib/oci/pull-module.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pushImage } from "../../tools/lib/oci/registry.ts";
import { ownVersion, withSdkVersion } from "../../tools/lib/wasm/made-with.ts";
import { modulePath, ownModulePath } from "../../tools/lib/wasm/modules.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";

const COMMAND = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const missing = missingPrograms("docker-registry", "skopeo");
if (missing.length > 0)
  console.warn(`push tests are skipped: install the Debian packages ${missing.join(", ")}`);

/** Of "user" with the password "secret". */
const HTPASSWD = "user:$2b$05$3oRm4iL0PTJ0QtAGySw22OJsDuAWR8hqo6PKxaKCVhvDDYeJCbAdu\n";

describe.skipIf(missing.length > 0).each(["open", "htpasswd"])("pushing to an %s registry", (access) => {
  let folder: string;
  let registry: TestRegistry;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-registry-"));
    const htpasswd = join(folder, "htpasswd");
    await writeFile(htpasswd, HTPASSWD);
    registry = await startTestRegistry(
      folder,
      access === "open" ? undefined : { htpasswd: { realm: "test", path: htpasswd } },
    );
    const docker = { auths: { [registry.host]: { auth: Buffer.from("user:secret").toString("base64") } } };
    await writeFile(join(folder, "config.json"), JSON.stringify(docker));
    process.env.DOCKER_CONFIG = folder;
  });

  afterAll(async () => {
    registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const skopeo = async (...args: string[]) =>
    (
      await promisify(execFile)("skopeo", [...args], {
        env: { ...process.env, REGISTRY_AUTH_FILE: join(folder, "config.json") },
      })
    ).stdout;

  it.each(["compat", "artifact"] as const)("%s comes back as it was packed", async (variant) => {
    const image = await packImage(MODULE, variant);
    const reference = parseReference(`oci://${registry.host}/modelgate/${variant}:v1`);
    const pushed = await pushImage(image, reference);
    expect(pushed).toBe(`oci://${registry.host}/modelgate/${variant}@${image.manifest.digest}`);

    expect(Uint8Array.from(await pullModule(parseReference(pushed)))).toEqual(MODULE);

    const lines: string[] = [];
    await pushImage(image, reference, { onProgress: (line) => lines.push(line) });
    expect(lines.every((line) => line.endsWith("already there"))).toBe(true);

    const source = pushed.replace("oci://", "docker://");
    const manifest = await skopeo("inspect", "--tls-verify=false", "--raw", source);
    expect(manifest).toBe(new TextDecoder().decode(image.manifest.bytes));
    if (variant === "compat") {
      const copy = join(folder, "copy");
      await skopeo("copy", "--src-tls-verify=false", source, `dir:${copy}`);
      const layer = await readFile(join(copy, image.layer.digest.replace("sha256:", "")));
      expect(gunzipSync(layer).subarray(512, 520)).toEqual(MODULE);
    }
  });

  it("a converter's folder, by the command", async () => {
    const converter = join(folder, "ranking");
    const module = ownModulePath({ kind: "converter", folder: converter });
    await mkdir(dirname(module), { recursive: true });
    const built = Buffer.from(withSdkVersion(await readFile(modulePath("rate-limit")), await ownVersion()));
    await writeFile(module, built);
    const to = `oci://${registry.host}/converters/ranking:1`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...[COMMAND, "push", "--converter", converter, to],
    ]);
    const pushed = stdout.trim();
    expect(pushed).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(built.equals(await pullModule(parseReference(pushed)))).toBe(true);
  });

  it.runIf(access === "htpasswd")("says how to log in when it may not push", async () => {
    process.env.DOCKER_CONFIG = join(folder, "none");
    const push = pushImage(await packImage(MODULE, "compat"), parseReference(`oci://${registry.host}/a:v1`));
    await expect(push).rejects.toThrow(/HTTP 401.*docker login/);
  });
});
