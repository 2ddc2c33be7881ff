import { spawn } from "node:child_process";

/**
 * Runs a program to its end; what it says on stderr is shown.
 * @param cwd where
 * @returns what it printed
 * @throws Error that names the command when it fails
 */
export function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", (error) => reject(new Error(`${program}: ${error.message}`)));
    child.once("close", (code) =>
      code === 0
        ? resolve(Buffer.concat(chunks).toString().trim())
        : reject(new Error(`${program} ${args.join(" ")} ended with ${code}`)),
    );
  });
}
