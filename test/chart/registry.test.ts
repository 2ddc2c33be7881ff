import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cachePath } from "../../tools/lib/installation.ts";
import { generateKeys, privateKey, publicKey } from "../../tools/lib/oci/keys.ts";
import { parseReference } from "../../tools/lib/oci/reference.ts";
import { push } from "../../tools/lib/oci/registry.ts";
import { signImage, verifyImage } from "../../tools/lib/oci/signature.ts";
import { chartArtifact, packChart } from "../../tools/release/chart/pack.ts";
import { CHART, helm, IMAGE, objectsOf } from "../support/helm.ts";
import { missingPrograms, startTestRegistry, type TestRegistry } from "../support/registry.ts";

const VERSION = "0.1.0";
const digest = `sha256:${"a".repeat(64)}`;
const images = {
  controller: { repository: "registry.example/modelgate", digest },
  collector: { repository: "registry.example/modelgate-collector", digest },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "modelgate-chart-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("the packed chart is, to Helm, the chart", async () => {
  const file = join(folder, "modelgate.tgz");
  await writeFile(file, await packChart({ version: VERSION }));
  const all = [...IMAGE, "--set", "monitoring.enabled=true"];
  const [packed, own] = await Promise.all(
    [file, CHART].map((chart) => helm(folder, ["template", chart, ...all])),
  );
  expect([packed?.code, packed?.stderr]).toEqual([0, ""]);
  expect(objectsOf(packed?.stdout ?? "")).toEqual(objectsOf(own?.stdout ?? ""));
});

it("the same chart gives the same bytes", async () => {
  const release = { version: VERSION, images };
  expect(await packChart(release)).toEqual(await packChart(release));
});

it("a release's chart names version and images by itself", async () => {
  const file = join(folder, "release.tgz");
  await writeFile(file, await packChart({ version: "1.2.3", images }));
  const about = await helm(folder, ["show", "chart", file]);
  expect(about.stdout).toMatch(/^appVersion: 1\.2\.3$[\s\S]*^version: 1\.2\.3$/m);
  const { code, stdout } = await helm(folder, ["template", file]);
  expect(code).toBe(0);
  for (const { repository } of Object.values(images)) expect(stdout).toContain(`"${repository}@${digest}"`);
});

describe.skipIf(missingPrograms("docker-registry").length > 0)("in a registry", () => {
  let registry: TestRegistry;
  let pushed: string;
  beforeAll(async () => {
    process.env.DOCKER_CONFIG = folder;
    registry = await startTestRegistry(folder);
    const artifact = await chartArtifact(await packChart({ version: VERSION }), VERSION);
    await push(artifact, parseReference(`oci://${registry.host}/charts/modelgate:${VERSION}`));
    pushed = `oci://${registry.host}/charts/modelgate@${artifact.manifest.digest}`;
  });
  afterAll(() => registry?.stop());

  it.each(["by tag", "by digest"])("Helm renders it %s", async (how) => {
    const name = how === "by tag" ? ["--version", VERSION, pushed.replace(/@.*/, "")] : [pushed];
    const { code, stdout, stderr } = await helm(folder, ["template", "--plain-http", ...name, ...IMAGE]);
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    expect(objectsOf(stdout).length).toBeGreaterThan(20);
  });

  it("its signature is taken by modelgate verify and by cosign", async () => {
    const keys = join(folder, "key");
    await generateKeys(keys);
    const chart = parseReference(pushed);
    await expect(verifyImage(chart, await publicKey(`${keys}.pub`))).rejects.toThrow("is not signed");
    await signImage(chart, await privateKey(`${keys}.key`));
    await verifyImage(chart, await publicKey(`${keys}.pub`));
    const cosign = cachePath("oci/cosign");
    if (!existsSync(cosign)) return console.warn("not asked of cosign: npm run test:oci builds it");
    const args = ["verify", "--key", `${keys}.pub`, "--insecure-ignore-tlog", "--allow-http-registry"];
    const { stdout } = await promisify(execFile)(cosign, [...args, pushed.slice("oci://".length)]);
    expect(stdout).toContain(chart.digest);
  });
});
