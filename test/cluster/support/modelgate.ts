import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs the command `modelgate` as a user would.
 * @param stop when to send it a signal (by default kill -9): once it has printed this, or when this is aborted
 */
export function runModelgate(
  kubeconfig: string,
  args: string[],
  stdin = "",
  stop?: AbortSignal | string,
  killSignal: NodeJS.Signals = "SIGKILL",
): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, KUBECONFIG: kubeconfig }, maxBuffer: 1 << 28 };
    const child = execFile(process.execPath, [MODELGATE, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
    if (typeof stop === "string") {
      let printed = "";
      child.stdout?.on("data", (chunk) => {
        if (printed.includes(stop)) return;
        printed += chunk;
        if (printed.includes(stop)) child.kill(killSignal);
      });
    } else stop?.addEventListener("abort", () => child.kill(killSignal));
    child.stdin?.end(stdin);
  });
}
