import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/wasm/modules.ts";

const MODELGATE = fileURLToPath(new URL("tools/modelgate.ts", PROJECT_ROOT));

export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the command `modelgate` as a user would. The signal kills it. */
export function runModelgate(
  kubeconfig: string,
  args: string[],
  stdin = "",
  signal?: AbortSignal,
): Promise<Run> {
  return new Promise((resolve) => {
    const options = {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      maxBuffer: 1 << 28,
      signal,
      killSignal: "SIGKILL" as const,
    };
    const child = execFile(process.execPath, [MODELGATE, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}
