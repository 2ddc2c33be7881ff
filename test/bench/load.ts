import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cpuMicroseconds } from "../../tools/lib/envoy/cpu.ts";
import type { RunningEnvoy } from "../../tools/lib/envoy/process.ts";
import { settle } from "../support/pace.ts";

export interface Load {
  path: string;
  headers: Record<string, string>;
  /** File with the body of a POST; none: GET. */
  bodyFile?: string;
  requests: number;
  connections: number;
  /** Over HTTP/2 instead, one request at a time on a connection. */
  http2?: boolean;
  /** File of paths to take in turn, instead of `path`. */
  pathsFile?: string;
  /** Keep how long each answer took? */
  latencies?: boolean;
  /** Milliseconds after the last answer whose CPU time counts too, for work that Envoy puts off. */
  settle?: number;
}

export interface Measured {
  /** CPU microseconds of the Envoy process per request. */
  cpuMicroseconds: number;
  requestsPerSecond: number;
  /** Microseconds until the end of each answer, where the load asks for them. */
  latencies?: number[];
}

/**
 * Sends a bounded load with h2load, over HTTP/1.1 unless said otherwise.
 * @throws Error when not every answer was a 2xx
 */
export async function run(envoy: Pick<RunningEnvoy, "port" | "pid">, load: Load): Promise<Measured> {
  const args = [
    ...(load.http2 ? [] : ["--h1"]),
    "-n",
    String(load.requests),
    "-c",
    String(load.connections),
    "-t",
    "1",
  ];
  for (const [name, value] of Object.entries(load.headers)) args.push("-H", `${name}: ${value}`);
  if (load.bodyFile) args.push("-d", load.bodyFile);
  if (envoy.pid === undefined)
    throw new Error("CPU time is measured of a process, not of a container: give --envoy");
  const before = await cpuMicroseconds(envoy.pid);
  const url = `http://127.0.0.1:${envoy.port}`;
  const target = load.pathsFile ? ["-B", url, "-i", load.pathsFile] : [`${url}${load.path}`];
  const log = join(tmpdir(), `modelgate-h2load-${process.pid}-${logs++}`);
  if (load.latencies) args.push(`--log-file=${log}`);
  const { stdout } = await h2load([...args, ...target]);
  if (load.settle) await settle(load.settle);
  const used = (await cpuMicroseconds(envoy.pid)) - before;
  const ok = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1]);
  if (ok !== load.requests)
    throw new Error(
      `only ${ok} of ${load.requests} requests were answered (${/status codes: .*/.exec(stdout)?.[0]})\n${stdout}`,
    );
  const requestsPerSecond = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]);
  const measured = { cpuMicroseconds: used / load.requests, requestsPerSecond };
  return load.latencies ? { ...measured, latencies: await readLatencies(log) } : measured;
}

let logs = 0;

/** Third column of h2load's log. */
async function readLatencies(log: string): Promise<number[]> {
  const lines = (await readFile(log, "utf8")).trim().split("\n");
  await rm(log);
  return lines.map((line) => Number(line.split("\t")[2]));
}

async function h2load(args: string[]): Promise<{ stdout: string }> {
  try {
    return await promisify(execFile)("h2load", args);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new Error("h2load is needed: install it (Debian: apt-get install nghttp2-client)");
  }
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}
