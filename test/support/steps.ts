import { spawn } from "node:child_process";

/** A command with its arguments. */
export type Step = readonly [string, ...string[]];

interface Running {
  write: (text: string) => void;
  /** Ends what runs. */
  signal?: AbortSignal;
}

/**
 * Runs commands side by side. What one says is written whole when it ends, below a line with its name, so
 * that nothing of another stands between.
 * @returns whether all ended well
 */
export async function runSteps(steps: readonly Step[], { write, signal }: Running): Promise<boolean> {
  const ended = await Promise.all(
    steps.map(async (step) => {
      const begunMs = performance.now();
      const { output, outcome } = await ran(step, signal);
      const seconds = ((performance.now() - begunMs) / 1000).toFixed(1);
      write(`== ${step.join(" ")}: ${outcome}, ${seconds} s\n${output}`);
      return outcome === PASSED;
    }),
  );
  return ended.every(Boolean);
}

const PASSED = "passed";

function ran([command, ...args]: Step, signal?: AbortSignal): Promise<{ output: string; outcome: string }> {
  const said: Buffer[] = [];
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...(signal && { signal }) });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => said.push(piece));
    let fault: string | undefined;
    child.on("error", (error) => {
      fault = error.message;
    });
    child.on("close", (code) => {
      const outcome = code === 0 ? PASSED : `FAILED (${fault ?? `exit status ${code}`})`;
      resolve({ output: Buffer.concat(said).toString(), outcome });
    });
  });
}
