import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { vi } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { guardOutput } from "../../tools/lib/terminal/output.ts";

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the command `modelgate` in a process of its own, without a cluster. */
export function modelgate(args: string[], stdin = ""): Promise<Run> {
  return new Promise((resolve) => {
    const env = { ...process.env, KUBECONFIG: "/dev/null" };
    const child = execFile(process.execPath, [MODELGATE, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}

/**
 * Runs a command in this process, which is quicker than one of its own, and with its output guarded as there.
 * @param command made anew for each run
 */
export async function runHere(command: Command, args: string[]): Promise<Run> {
  const out: string[] = [];
  const errors: string[] = [];
  const write = (list: string[]) => (text: unknown) => {
    list.push(String(text));
    return true;
  };
  const line = (stream: NodeJS.WriteStream) => (text: unknown) => stream.write(`${text}\n`) as never;
  const spies = [
    vi.spyOn(process.stdout, "write").mockImplementation(write(out)),
    vi.spyOn(process.stderr, "write").mockImplementation(write(errors)),
    vi.spyOn(console, "log").mockImplementation(line(process.stdout)),
    vi.spyOn(console, "error").mockImplementation(line(process.stderr)),
    vi.spyOn(process, "exit").mockImplementation((code) => {
      throw new Exit(Number(code));
    }),
  ];
  process.exitCode = 0;
  const unguard = guardOutput();
  try {
    await command.parseAsync(args, { from: "user" });
    return { code: Number(process.exitCode), stdout: out.join(""), stderr: errors.join("") };
  } catch (error) {
    if (!(error instanceof Exit)) console.error((error as Error).message);
    const code = error instanceof Exit ? error.code : 1;
    return { code, stdout: out.join(""), stderr: errors.join("") };
  } finally {
    process.exitCode = 0;
    unguard();
    for (const spy of spies) spy.mockRestore();
  }
}

class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}
