import { execFile, execFileSync } from "node:child_process";
import { createHash, createPublicKey, verify } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { generateKeys, publicKey } from "../../tools/lib/oci/keys.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { pullImageManifest } from "../../tools/lib/oci/registry.ts";
import { verifyImage } from "../../tools/lib/oci/signature.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { Engine, whyNoEngine } from "./engine.ts";

const VERSION = "999.1.0";
const ROOT = fileURLToPath(PROJECT_ROOT);
const missing = missingPrograms("docker-registry");
const reason = whyNoEngine() ?? (missing.length > 0 ? `install ${missing.join(", ")}` : undefined);
if (reason) console.warn(`a release is not tested: ${reason}`);

describe.skipIf(reason !== undefined)("npm run release", () => {
  let folder: string;
  let checkout: string;
  let engine: Engine;
  let registry: TestRegistry;
  let keys: string;
  let hub: string;
  const git = (...args: string[]) => execFileSync("git", args, { cwd: checkout, encoding: "utf8" }).trim();
  const release = (...args: string[]) =>
    promisify(execFile)(process.execPath, ["tools/release/release.ts", ...args], {
      ...{
        cwd: checkout,
        env: { ...process.env, DOCKER_HOST: engine.host, DOCKER_CONFIG: folder },
        maxBuffer: 2 ** 26,
      },
    });
  const made = (name: string) => readFile(join(checkout, "build/release", VERSION, name));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "modelgate-release-test-"));
    process.env.DOCKER_CONFIG = folder;
    checkout = join(folder, "checkout");
    execFileSync("git", ["clone", "--quiet", ROOT, checkout]);
    for (const name of ["node_modules", ".cache"]) await symlink(join(ROOT, name), join(checkout, name));
    await writeFile(join(checkout, ".git/info/exclude"), "/node_modules\n/.cache\n");
    registry = await startTestRegistry(folder);
    hub = `${registry.host}/modelgate`;
    keys = join(folder, "key");
    await generateKeys(keys);
    engine = await Engine.start();
    await release(VERSION, "--registry", hub, "--key", `${keys}.key`);
  });
  afterAll(async () => {
    await engine?.stop();
    registry?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("commits the version and tags it", async () => {
    expect(git("describe", "--exact-match")).toBe(`v${VERSION}`);
    expect(git("status", "--porcelain")).toBe("");
    expect(JSON.parse(await readFile(join(checkout, "package.json"), "utf8")).version).toBe(VERSION);
    expect(await readFile(join(checkout, "CHANGELOG.md"), "utf8")).toMatch(
      /\n## Unreleased\n\n## 999\.1\.0 - \d{4}-\d\d-\d\d\n/,
    );
  });

  const names = async () => {
    const rows = (await made("notes.md"))
      .toString()
      .matchAll(/^\| (\w+) \| `(.+@sha256:[0-9a-f]{64})` \|$/gm);
    return Object.fromEntries([...rows].map(([, what, name]) => [what, name])) as Record<string, string>;
  };

  it("images, filter and chart are in the registry by the digests of the notes, signed", async () => {
    const key = await publicKey(`${keys}.pub`);
    const all = await names();
    expect(Object.keys(all).sort()).toEqual(["chart", "collector", "controller", "filter"]);
    for (const name of Object.values(all)) await verifyImage(parseReference(`oci://${name}`), key);
    for (const repository of ["gateway", "modelgate", "modelgate-collector", "charts/modelgate"])
      expect(await pullImageManifest(parseReference(`oci://${hub}/${repository}:${VERSION}`))).toBeDefined();
  });

  it("the controller's image runs by its digest, and says the version and the commit", async () => {
    const { controller = "" } = await names();
    await engine.must("rmi", "--force", `${hub}/modelgate:${VERSION}`);
    const said = await engine.must("run", "--rm", controller, "--version");
    expect(said).toContain(`modelgate ${VERSION}, commit ${git("rev-parse", "HEAD").slice(0, 12)}`);
  });

  it("the chart names the images", async () => {
    const chart = join(checkout, "build/release", VERSION, `modelgate-chart-${VERSION}.tgz`);
    const values = execFileSync("tar", ["xzOf", chart, "modelgate/values.yaml"], { encoding: "utf8" });
    const { controller = "", collector = "" } = await names();
    for (const name of [controller, collector]) {
      const [repository, digest] = name.split("@");
      expect(values).toContain(`{ repository: "${repository}", tag: "", digest: "${digest}" }`);
    }
  });

  it("the files have their sums, and the sums a signature", async () => {
    const sums = await made("SHA256SUMS");
    const lines = sums.toString().trim().split("\n");
    const files = (await readdir(join(checkout, "build/release", VERSION))).filter(
      (name) => !name.startsWith("SHA256"),
    );
    expect(lines.map((line) => line.split("  ")[1])).toEqual(files.sort());
    expect(files).toEqual(
      expect.arrayContaining([
        "gateway.wasm",
        "notes.md",
        "modelgate-image.sbom.cdx.json",
        "gateway.wasm.sbom.cdx.json",
      ]),
    );
    for (const line of lines) {
      const [digest, name = ""] = line.split("  ");
      expect(
        createHash("sha256")
          .update(await made(name))
          .digest("hex"),
        name,
      ).toBe(digest);
    }
    const signature = Buffer.from((await made("SHA256SUMS.sig")).toString(), "base64");
    expect(verify("sha256", sums, createPublicKey(await readFile(`${keys}.pub`)), signature)).toBe(true);
  });

  it.each([
    [[], "npm run release -- VERSION"],
    [["1.0", "--dry-run"], "1.0: is no version"],
    [[VERSION, "--dry-run"], `the tag v${VERSION} is there`],
    [["999.2.0", "--registry", "r.example/a"], "npm run release -- VERSION"],
  ])("refuses %j", async (args, why) => {
    await expect(release(...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(why) });
    expect(existsSync(join(checkout, "build/release", args[0] ?? "none", "SHA256SUMS"))).toBe(
      args[0] === VERSION,
    );
  });

  it("refuses what is not committed", async () => {
    await writeFile(join(checkout, "new.txt"), "");
    const args = ["999.2.0", "--registry", hub, "--key", `${keys}.key`];
    await expect(release(...args)).rejects.toMatchObject({
      stderr: expect.stringContaining("there are changes that are not committed"),
    });
  });
});
