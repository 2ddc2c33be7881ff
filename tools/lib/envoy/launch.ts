import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../installation.ts";
import type { EnvoySource } from "./find.ts";

const STOP_TIMEOUT_MS = 5_000;

/** An Envoy that was started and may not be ready yet. */
export interface Launched {
  /** Process id; undefined for a container. */
  pid: number | undefined;
  /** Exit code, undefined while it runs. */
  exitCode(): number | undefined;
  stop(): Promise<void>;
}

/** Starts Envoy with some arguments; each line of its log goes to `onLog`. */
export function launch(
  source: EnvoySource,
  args: string[],
  onLog: (line: string) => void,
): Promise<Launched> {
  return "image" in source
    ? launchContainer(source.image, args, onLog)
    : launchProgram(source.program, args, onLog);
}

async function launchProgram(
  program: string,
  args: string[],
  onLog: (line: string) => void,
): Promise<Launched> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  createInterface({ input: child.stderr }).on("line", onLog);
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.once("error", (error) => onLog(error.message));
  return {
    pid: child.pid,
    exitCode: () => child.exitCode ?? (child.pid === undefined ? -1 : undefined),
    async stop() {
      const timer = setTimeout(kill, STOP_TIMEOUT_MS);
      child.kill("SIGTERM");
      await exited;
      clearTimeout(timer);
      process.off("exit", kill);
    },
  };
}

/**
 * The official image, on the host's network, with the folders that a bootstrap names mounted at their own
 * paths. Testcontainers removes the container even when this process is killed.
 */
async function launchContainer(
  image: string,
  args: string[],
  onLog: (line: string) => void,
): Promise<Launched> {
  const folders = [tmpdir(), fileURLToPath(PROJECT_ROOT)];
  const { GenericContainer } = await import("testcontainers");
  let ended = false;
  const container = await new GenericContainer(image)
    .withNetworkMode("host")
    // Envoy's image goes on as a user of its own, who can read and write none of our folders.
    .withUser(`${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`)
    .withBindMounts(folders.map((folder) => ({ source: folder, target: folder })))
    .withCommand(["envoy", ...args])
    .withLogConsumer((stream) => {
      createInterface({ input: stream }).on("line", onLog);
      stream.once("end", () => {
        ended = true;
      });
    })
    .start();
  return {
    pid: undefined,
    exitCode: () => (ended ? -1 : undefined),
    stop: async () => void (await container.stop()),
  };
}
