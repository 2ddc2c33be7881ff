import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { CACHE, digestOf, exists, type Peer, reasonOf } from "./cache.ts";
import type { ChainConfig } from "./chain-config.ts";

/** A gateway on the JVM, Armeria's HTTP/JSON transcoding: built into the project's cache, once for each state of its source. */

const SOURCE = fileURLToPath(new URL("./armeria-gateway", import.meta.url));
const PROTOCOL = fileURLToPath(new URL("proto/open_inference.proto", PROJECT_ROOT));
const START_TIMEOUT_MS = 60_000;
/** Threads that come and go would take their CPU time with them. */
const FLAGS = ["-XX:+UseG1GC", "-XX:-UseDynamicNumberOfCompilerThreads", "-XX:-UseDynamicNumberOfGCThreads"];

/** Where its classes are, or why there are none. */
export async function armeriaGateway(): Promise<Peer> {
  const output = join(CACHE, `armeria-gateway-${await digestOf(SOURCE)}`);
  if (await exists(output)) return { path: output };
  console.error("  building the gateway on the JVM (once)");
  const folder = `${output}-${process.pid}`;
  try {
    const protocols = join(folder, "src/main/protobuf");
    await mkdir(CACHE, { recursive: true });
    await cp(SOURCE, folder, { recursive: true });
    await mkdir(protocols, { recursive: true });
    await copyFile(PROTOCOL, join(protocols, "open_inference.proto"));
    await promisify(execFile)("mvn", ["--quiet", "--batch-mode", "process-classes"], { cwd: folder });
    await rename(folder, output);
    return { path: output };
  } catch (error) {
    return {
      missing: `Maven and a JDK 17 are needed (Debian: maven, openjdk-17-jdk-headless): ${reasonOf(error)}`,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface RunningGateway {
  port: number;
  pid: number | undefined;
  stop(): Promise<void>;
}

export interface ArmeriaOptions {
  /** The whole chain, not only the conversion; `log` writes to `logFile`. `GET /ready` answers "ok" behind it. */
  chain?: ChainConfig & { logFile?: string };
}

/**
 * Starts it in front of a model server on 127.0.0.1, with the JVM's own defaults for heap and threads.
 * @throws Error when it does not become ready
 */
export async function startArmeriaGateway(
  folder: string,
  modelPort: number,
  { chain }: ArmeriaOptions = {},
): Promise<RunningGateway> {
  const settings = await mkdtemp(join(tmpdir(), "modelgate-armeria-"));
  try {
    const args = [String(modelPort)];
    if (chain) {
      const { log, logFile, ...rest } = chain;
      args.push(join(settings, "chain.json"));
      await writeFile(args[1] as string, JSON.stringify({ ...rest, ...(log && { logFile }) }));
    }
    return await launch(folder, args);
  } finally {
    await rm(settings, { recursive: true, force: true });
  }
}

async function launch(folder: string, args: string[]): Promise<RunningGateway> {
  const classPath = ["target/classes", "target/lib/*"].map((part) => join(folder, part)).join(delimiter);
  const child = spawn("java", [...FLAGS, "-cp", classPath, "Gateway", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = () => child.kill();
  process.once("exit", end);
  const exited = once(child, "exit");
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const line = once(createInterface({ input: child.stdout }), "line", { signal });
  const [port] = await Promise.race([line, exited]).catch(() => {
    child.kill();
    throw new Error("the gateway on the JVM did not start in time");
  });
  if (child.exitCode !== null) throw new Error(`the gateway on the JVM ended with status ${child.exitCode}`);
  return {
    port: Number(port),
    pid: child.pid,
    async stop() {
      process.off("exit", end);
      child.kill();
      await exited;
    },
  };
}
