import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { packImage } from "../../tools/oci/image.ts";
import { parseReference } from "../../tools/oci/reference.ts";
import { pushImage } from "../../tools/oci/registry.ts";

const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const missing = ["docker-registry", "skopeo"].filter((program) => {
  try {
    return !execFileSync("sh", ["-c", `command -v ${program}`]).length;
  } catch {
    return true;
  }
});
if (missing.length > 0)
  console.warn(`push tests are skipped: install the Debian packages ${missing.join(", ")}`);

/** Of "user" with the password "secret". */
const HTPASSWD = "user:$2b$05$3oRm4iL0PTJ0QtAGySw22OJsDuAWR8hqo6PKxaKCVhvDDYeJCbAdu\n";

describe.skipIf(missing.length > 0).each(["open", "htpasswd"])("pushing to an %s registry", (access) => {
  let folder: string;
  let port: number;
  let registry: ChildProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-registry-"));
    port = await freePort();
    const auth =
      access === "open" ? "" : `auth: { htpasswd: { realm: test, path: ${join(folder, "htpasswd")} } }\n`;
    await writeFile(join(folder, "htpasswd"), HTPASSWD);
    await writeFile(
      join(folder, "config.yml"),
      `version: 0.1\nlog: { level: error }\nstorage: { filesystem: { rootdirectory: ${folder}/data } }\nhttp: { addr: "127.0.0.1:${port}" }\n${auth}`,
    );
    const docker = {
      auths: { [`127.0.0.1:${port}`]: { auth: Buffer.from("user:secret").toString("base64") } },
    };
    await writeFile(join(folder, "config.json"), JSON.stringify(docker));
    process.env.DOCKER_CONFIG = folder;
    registry = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });
    for (let i = 0; i < 100; i++) {
      if (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)) return;
      await sleep(50);
    }
    throw new Error("the registry did not start");
  });

  afterAll(async () => {
    registry?.kill();
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
    const reference = parseReference(`oci://127.0.0.1:${port}/modelgate/${variant}:v1`);
    const pushed = await pushImage(image, reference);
    expect(pushed).toBe(`oci://127.0.0.1:${port}/modelgate/${variant}@${image.manifest.digest}`);

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

  it.runIf(access === "htpasswd")("says how to log in when it may not push", async () => {
    process.env.DOCKER_CONFIG = join(folder, "none");
    const push = pushImage(await packImage(MODULE, "compat"), parseReference(`oci://127.0.0.1:${port}/a:v1`));
    await expect(push).rejects.toThrow(/HTTP 401.*docker login/);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
