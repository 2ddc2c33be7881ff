import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachePath } from "../../tools/lib/installation.ts";
import { until } from "./until.ts";

export interface TestRegistry {
  /** `127.0.0.1:port` */
  host: string;
  stop(): unknown;
}

/** Programs that are not on PATH. */
export function missingPrograms(...programs: string[]): string[] {
  return programs.filter((program) => {
    try {
      return !execFileSync("sh", ["-c", `command -v ${program}`]).length;
    } catch {
      return true;
    }
  });
}

/** Starts a real docker-registry on a free port, with the section `auth` of its configuration. */
export async function startTestRegistry(folder: string, auth?: object): Promise<TestRegistry> {
  const port = await freePort();
  const config = join(folder, "config.yml");
  await writeFile(
    config,
    JSON.stringify({
      version: "0.1",
      log: { level: "error" },
      storage: { filesystem: { rootdirectory: join(folder, "data") } },
      http: { addr: `127.0.0.1:${port}` },
      ...(auth && { auth }),
    }),
  );
  const registry = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  return { host: await answering(port), stop: () => registry.kill() };
}

async function answering(port: number): Promise<string> {
  const asked = () => fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined);
  await until(asked, { message: "the registry did not start" });
  return `127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Real registries: Debian's docker-registry has no referrers API; the one in test/oci/registry (Go) has it, and keeps broken uploads. */
export const REGISTRIES = ["docker-registry", "a registry with referrers"] as const;
export type RegistryKind = (typeof REGISTRIES)[number];

/** Whether the programs of a registry are there; says what is missing. */
export function hasRegistry(kind: RegistryKind): boolean {
  const missing = missingPrograms(kind === "docker-registry" ? "docker-registry" : "go");
  if (missing.length > 0) console.warn(`tests of ${kind} are skipped: install ${missing.join(", ")}`);
  return missing.length === 0;
}

/** Starts a registry on a free port. */
export async function startRegistryOf(kind: RegistryKind): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "modelgate-registry-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  if (kind === "docker-registry") {
    const { host, stop } = await startTestRegistry(folder);
    return { host, stop: () => [stop(), remove()] };
  }
  const program = builtRegistry();
  const port = await freePort();
  const registry = spawn(program, [String(port)], { stdio: "ignore" });
  return { host: await answering(port), stop: () => [registry.kill(), remove()] };
}

/** Builds the registry of test/oci/registry, once for what it is built from. @returns the program */
function builtRegistry(): string {
  const source = fileURLToPath(new URL("../oci/registry", import.meta.url));
  const files = readdirSync(source).sort();
  const made = createHash("sha256");
  for (const file of files) made.update(`${file}\0`).update(readFileSync(join(source, file)));
  const program = join(cachePath("oci"), `registry-${made.digest("hex").slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  execFileSync("go", ["build", "-mod=readonly", "-o", unfinished, "."], { cwd: source, stdio: "pipe" });
  // Another test may have built it meanwhile, or run it.
  renameSync(unfinished, program);
  return program;
}
