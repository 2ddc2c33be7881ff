import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryFolder } from "../temporary-folder.ts";
import type { EnvoySource } from "./find.ts";
import { type Launched, launch } from "./launch.ts";

/** On a machine with much else to do, with many modules to compile. */
const START_TIMEOUT_MS = 120_000;
const KEPT_LOG_LINES = 500;

interface EnvoyOptions {
  envoy: EnvoySource;
  bootstrap: object;
  /** Worker threads. */
  concurrency: number;
  /** Called with each line of Envoy's own log. */
  onLog?: (line: string) => void;
}

export interface RunningEnvoy {
  port: number;
  /** Undefined when Envoy runs in a container. */
  pid: number | undefined;
  adminPort: number;
  /** Envoy's own log, its last lines. */
  log: string[];
  stop(): Promise<void>;
}

/**
 * Starts an Envoy and waits until it serves. It ends with this process, however that ends.
 * @throws Error with Envoy's last log lines when it does not become ready
 */
export async function startEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-envoy-"));
  const configFile = join(folder.path, "bootstrap.json");
  const addressFile = join(folder.path, "admin-address");
  await writeFile(configFile, JSON.stringify(options.bootstrap));
  const log: string[] = [];
  const launched = await launch(
    options.envoy,
    [
      ...[
        "-c",
        configFile,
        "--admin-address-path",
        addressFile,
        "--concurrency",
        String(options.concurrency),
      ],
      ...["--disable-hot-restart", "--log-level", "warning", "--component-log-level", "main:error"],
      ...["--file-flush-interval-msec", "100"],
      // Of a listener that is replaced, each connection closes after its next response.
      ...["--drain-strategy", "immediate"],
    ],
    (line) => {
      log.push(line);
      if (log.length > KEPT_LOG_LINES) log.shift();
      options.onLog?.(line);
    },
  );
  const stop = async () => {
    await launched.stop();
    await folder.remove();
  };
  try {
    const { adminPort, port } = await ready(launched, addressFile);
    return { port, adminPort, pid: launched.pid, log, stop };
  } catch (error) {
    await stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Envoy did not start: ${reason}\n${log.slice(-15).join("\n")}`);
  }
}

async function ready(launched: Launched, addressFile: string): Promise<{ adminPort: number; port: number }> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const exitCode = launched.exitCode();
    if (exitCode !== undefined) throw new Error(`it exited with code ${exitCode}`);
    const address = await readFile(addressFile, "utf8").catch(() => "");
    const adminPort = Number(address.split(":").at(-1));
    if (adminPort > 0 && (await serves(adminPort))) return { adminPort, port: await listenerPort(adminPort) };
    await sleep(50);
  }
  throw new Error(`it was not ready after ${START_TIMEOUT_MS / 1000} s`);
}

async function serves(adminPort: number): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/ready`).catch(() => undefined);
  return response?.status === 200;
}

async function listenerPort(adminPort: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/listeners?format=json`);
  const { listener_statuses } = (await response.json()) as {
    listener_statuses?: { local_address: { socket_address: { port_value: number } } }[];
  };
  const port = listener_statuses?.[0]?.local_address.socket_address.port_value;
  if (port === undefined) throw new Error("its listener was refused");
  return port;
}
