import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { within } from "../../support/until.ts";

export interface Program {
  name: string;
  pid: number;
  /** Its output so far. */
  log(): Promise<string>;
  /** Asks it to end, and ends it after 5 s. */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Name of the log file. */
  name: string;
  command: string;
  args: string[];
  /** Folder for the log. */
  folder: string;
  cwd?: string;
  env?: Record<string, string>;
  /** Resolves to true once the program serves. */
  ready: () => Promise<boolean>;
  timeoutSeconds?: number;
}

/**
 * Starts a program and waits until it is ready. @throws Error with the end of its log when it does not become ready
 */
export async function startProgram(options: StartOptions): Promise<Program> {
  const { name, command, args, folder, cwd, env, ready, timeoutSeconds = 60 } = options;
  const logFile = join(folder, `${name}.log`);
  const output = createWriteStream(logFile);
  await new Promise((resolve) => output.once("open", resolve));
  const child = spawn(command, args, {
    stdio: ["ignore", output, output],
    ...(cwd ? { cwd } : {}),
    env: { PATH: process.env.PATH ?? "", HOME: folder, ...env },
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const log = () => readFile(logFile, "utf8");
  const stop = async () => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.kill("SIGTERM");
    await ended;
    clearTimeout(timer);
  };
  const isDecided = async () => hasEnded(child) || (await ready().catch(() => false));
  const came = await within(isDecided, { withinMs: timeoutSeconds * 1000, everyMs: 100 });
  if (came && !hasEnded(child)) return { name, pid: child.pid as number, log, stop };
  await stop();
  throw new Error(`${name} did not become ready\n${(await log()).split("\n").slice(-25).join("\n")}`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Whether a GET is answered with a status below 400. */
export async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).ok;
}
