import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cachePath, PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { missingPrograms } from "../support/registry.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);
const NEEDED = { dockerd: "docker.io", debootstrap: "debootstrap", npm: "npm" };
/** The base that the Dockerfile names. */
const BASE = "node:24-slim";

/** Why no engine can be started here; undefined where it can. */
export function whyNoEngine(): string | undefined {
  if (process.getuid?.() !== 0) return "an engine of its own needs root";
  const missing = missingPrograms(...Object.keys(NEEDED)) as (keyof typeof NEEDED)[];
  return missing.length > 0 ? `install ${missing.map((name) => NEEDED[name]).join(", ")}` : undefined;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** A container engine of the test's own, which asks no registry: its base image is of Debian's packages and Node's. */
export class Engine {
  /** Where it listens, for other clients. */
  readonly host: string;
  private readonly env: NodeJS.ProcessEnv;
  readonly stop: () => Promise<void>;

  private constructor(host: string, stop: () => Promise<void>) {
    this.host = host;
    this.env = { ...process.env, DOCKER_HOST: host };
    this.stop = stop;
  }

  /** @param base whether it has the image that the Dockerfile starts from */
  static async start({ base = true } = {}): Promise<Engine> {
    const folder = await temporaryFolder(join(tmpdir(), "modelgate-engine-"));
    const path = (name: string) => join(folder.path, name);
    const host = `unix://${path("socket")}`;
    const args = ["--data-root", path("data"), "--exec-root", path("exec"), "--pidfile", path("pid")];
    const daemon = spawn("dockerd", [...args, "-H", host, "--log-level", "error"], { stdio: "ignore" });
    const ended = once(daemon, "exit");
    const engine = new Engine(host, async () => {
      daemon.kill();
      await ended;
      // It leaves the namespace of `--network host` mounted.
      await run("umount", [path("exec/netns/default")]).catch(() => undefined);
      await folder.remove();
    });
    try {
      const answers = async () => (await engine.docker("info")).code === 0;
      await until(answers, { message: "the engine did not start" });
      const changes = CHANGES.flatMap((each) => ["-c", each]);
      if (base) await engine.must("import", ...changes, await baseArchive(), BASE);
    } catch (error) {
      await engine.stop();
      throw error;
    }
    return engine;
  }

  /** Runs a command of Docker to its end. @param input what it reads */
  docker(...args: string[]): Promise<Outcome> {
    return this.dockerWith(undefined, ...args);
  }

  dockerWith(input: string | undefined, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const cwd = fileURLToPath(PROJECT_ROOT);
      const options = { cwd, env: this.env, maxBuffer: 2 ** 26 };
      const child = execFile("docker", args, options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
      child.stdin?.end(input);
    });
  }

  /** What a command of Docker printed. @throws Error when it failed */
  async must(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.docker(...args);
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }
}

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const CHANGES = [
  "ENV PATH=/usr/local/bin:/usr/bin:/bin",
  // As this machine, which may trust more than Debian does.
  `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`,
];

/** Debian's smallest system with the Node that runs this, and npm: made once. */
async function baseArchive(): Promise<string> {
  const archive = cachePath(`image/base-${process.version}.tar`);
  if (existsSync(archive)) return archive;
  console.error("making a base image of Debian's packages (once, minutes) ...");
  await mkdir(dirname(archive), { recursive: true });
  const root = `${archive}.root`;
  const unfinished = `${archive}.unfinished`;
  await rm(root, { recursive: true, force: true });
  await run("debootstrap", ["--variant=minbase", "--include=ca-certificates", "bookworm", root]);
  await cp(process.execPath, join(root, "usr/local/bin/node"));
  const { stdout } = await run("sh", ["-c", "readlink -f $(command -v npm)"]);
  const npm = join(dirname(stdout.trim()), "..");
  await cp(npm, join(root, "usr/local/lib/node_modules/npm"), { recursive: true });
  const link = ["-s", "../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/local/bin/npm")];
  await run("ln", link);
  await cp(CERTIFICATES, join(root, CERTIFICATES));
  await run("tar", ["-C", root, "-cf", unfinished, "--exclude=./var/cache/apt/archives/*.deb", "."]);
  await rm(root, { recursive: true });
  await rename(unfinished, archive);
  return archive;
}
