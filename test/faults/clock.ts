import { execFile } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const SOURCE = fileURLToPath(new URL("clock-step.c", import.meta.url));

/** A program whose wall clock can be stepped. */
export interface SteppedClock {
  program: string;
  step(seconds: number): Promise<void>;
}

/** Wraps a program so that its wall clock can be stepped. @throws Error without a C compiler */
export async function withSteppedClock(program: string, folder: string): Promise<SteppedClock> {
  const library = join(folder, "clock-step.so");
  const file = join(folder, "clock-step");
  const wrapper = join(folder, "stepped");
  const step = async (seconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    await writeFile(file, bytes, { flag: "r+" }).catch(() => writeFile(file, bytes));
  };
  await promisify(execFile)("cc", ["-shared", "-fPIC", "-O2", "-o", library, SOURCE]);
  await step(0);
  await writeFile(
    wrapper,
    `#!/bin/sh\nexec env LD_PRELOAD='${library}' CLOCK_STEP_FILE='${file}' '${program}' "$@"\n`,
  );
  await chmod(wrapper, 0o755);
  return { program: wrapper, step };
}
