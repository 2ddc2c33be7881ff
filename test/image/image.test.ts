import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { pace } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { Engine, whyNoEngine } from "./engine.ts";

const DOCKERFILE = "manifests/controller/Dockerfile";
/** Bytes on a node's disk: what an engine says of an image. */
const LIMITS = { controller: 200e6, collector: 300e6 };
const TARGETS = Object.keys(LIMITS) as (keyof typeof LIMITS)[];
/** As the pods of manifests/ run: no right, nothing to write to. */
const RESTRICTED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
/** What a process ends with that was asked to, and one that was not. */
const [STOPPED, KILLED] = [[0, 143], 137];

const reason = whyNoEngine();
if (reason) console.warn(`images are not tested: ${reason}`);

describe.skipIf(reason !== undefined)("the images", () => {
  let engine: Engine;
  let tarball: string;
  const image = (target: string) => `modelgate.test/${target}`;
  const node = async (target: string, script: string) => {
    const args = ["run", "--rm", ...RESTRICTED, "--entrypoint", "node", image(target), "-p", script];
    return JSON.parse(await engine.must(...args));
  };

  beforeAll(async () => {
    const cwd = fileURLToPath(PROJECT_ROOT);
    const args = ["run", "--silent", "package"];
    const packed = execFileSync("npm", args, {
      cwd,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    [tarball = ""] = packed.trim().split("\n");
    engine = await Engine.start();
    for (const target of TARGETS) {
      const named = ["--target", target, "--build-arg", "VERSION=0.1.0", "--build-arg", "REVISION=abc"];
      await engine.must("build", ...named, "-t", image(target), "-f", DOCKERFILE, ".");
    }
  });
  afterAll(() => engine?.stop());

  it("are built of a few megabytes", async () => {
    const copy = "FROM scratch\nCOPY . /\n";
    const { stderr, code } = await engine.dockerWith(copy, "build", "-t", "context", "-f", "-", ".");
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const size = Number(await engine.must("image", "inspect", "-f", "{{.Size}}", "context"));
    expect(size).toBeGreaterThan(5e6);
    expect(size).toBeLessThan(20e6);
  });

  it.each(TARGETS)("%s: small, labelled, of a user without rights", async (target) => {
    const [about] = JSON.parse(await engine.must("image", "inspect", image(target)));
    console.log(`${target}: ${(about.Size / 1e6).toFixed(0)} MB`);
    expect(about.Size).toBeLessThan(LIMITS[target]);
    expect(about.Config.User).toBe("10001:10001");
    expect(about.Config.Labels).toMatchObject({
      "org.opencontainers.image.title": target === "controller" ? "modelgate" : "modelgate-collector",
      "org.opencontainers.image.version": "0.1.0",
      "org.opencontainers.image.revision": "abc",
      "org.opencontainers.image.licenses": "Apache-2.0",
    });
  });

  it.each(TARGETS)("%s: holds the packed package and no shell", async (target) => {
    const packed = execFileSync("tar", ["tzf", tarball], { encoding: "utf8" }).trim().split("\n");
    const list = `JSON.stringify(fs.readdirSync("/app", { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && !each.parentPath.startsWith("/app/node_modules"))
      .map((each) => each.parentPath + "/" + each.name))`;
    const files = await node(target, list);
    const expected = packed.map((path) => path.replace("package/", "/app/"));
    expect(files.sort()).toEqual([...expected, "/app/sbom.cdx.json"].sort());
    const shell = await engine.docker("run", "--rm", "--entrypoint", "sh", image(target), "-c", "true");
    expect([shell.code, shell.stderr]).toEqual([127, expect.stringContaining("executable file not found")]);
  });

  it.each(TARGETS)("%s: its bill of materials names what is in it and nothing else", async (target) => {
    const { components } = await node(target, 'fs.readFileSync("/app/sbom.cdx.json", "utf8")');
    const list = `JSON.stringify(fs.readdirSync("/app/node_modules", { recursive: true })
      .filter((path) => /(^|node_modules\\/)(@[^/]+\\/)?[^/@.]+[^/]*\\/package.json$/.test(path))
      .map((path) => JSON.parse(fs.readFileSync("/app/node_modules/" + path)))
      .map(({ name, version }) => name + "@" + version))`;
    const installed = new Set(await node(target, list));
    const named = components.map(
      (each: { group?: string; name: string; version: string }) =>
        `${each.group ? `${each.group}/` : ""}${each.name}@${each.version}`,
    );
    expect(named.length).toBeGreaterThan(50);
    expect([...installed].sort()).toEqual([...new Set(named)].sort());
  });

  it.each(TARGETS)("%s: runs commands, without a network", async (target) => {
    const command = ["run", "--rm", ...RESTRICTED, "--network", "none", image(target)];
    expect(await engine.must(...command, "--version")).toMatch(/^modelgate \d.*\nfilters .*ABI 0\.2\.1/);
    const valid = await engine.must(...command, "validate", "-f", "manifests/examples/search");
    expect(valid).toContain("valid: 1 Tenant");
  });

  it("the controller's says what the collector lacks in it", async () => {
    const { code, stderr } = await engine.docker("run", "--rm", image("controller"), "collector");
    expect([code, stderr]).toEqual([1, expect.stringContaining("@duckdb/node-api")]);
  });

  const address = (name: string) => engine.must("inspect", "-f", "{{.NetworkSettings.IPAddress}}", name);
  const answers = async (url: string) => (await fetch(url).catch(() => undefined))?.ok;

  it.each([[[]], [["collector"]]])("the collector's serves other machines, run with %j", async (args) => {
    await engine.must("run", "-d", "--name", "reached", ...RESTRICTED, image("collector"), ...args);
    const url = `http://${await address("reached")}:8092/readyz`;
    await until(() => answers(url), { message: `no answer of ${url}` });
    await engine.must("rm", "-f", "-v", "reached");
  });

  /** Asks a container to end some time after its start. @returns its exit code */
  async function stopped(target: string, afterMs: number, ...args: string[]): Promise<number> {
    const name = `stopped-${target}-${afterMs}`;
    const files = target === "controller" ? ["controller", "--config", "manifests/examples/search"] : [];
    await engine.must("run", "-d", "--name", name, ...RESTRICTED, image(target), ...files, ...args);
    await pace(afterMs);
    await engine.must("stop", "-t", "25", name);
    const code = Number(await engine.must("inspect", "-f", "{{.State.ExitCode}}", name));
    await engine.must("rm", "-v", name);
    return code;
  }

  describe.each(TARGETS)("SIGTERM ends the %s within grace", (target) => {
    it.each([0, 100, 300, 600, 1_000, 2_000, 6_000])("%i ms after its start", async (afterMs) => {
      const code = await stopped(target, afterMs);
      expect(code).not.toBe(KILLED);
      expect(STOPPED).toContain(code);
    });
  });
});
