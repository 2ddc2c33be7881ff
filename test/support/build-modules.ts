import { fileURLToPath } from "node:url";
import { isMainThread, parentPort } from "node:worker_threads";
import { inThreads } from "../../tools/lib/threads.ts";
import { compileJob } from "../../tools/lib/wasm/build.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { MODULES } from "../../tools/lib/wasm/modules.ts";
import { probeModule } from "./converter.ts";
import { builtTestModule } from "./wasm.ts";

/**
 * Compiles the modules of the default tests, several at a time, so that they find them in the cache: a
 * compiler is slow at its first module. With `--filters` those of `modelgate build` too, by the same
 * compilers.
 */
const TEST_MODULES = [
  "host-calls",
  "numbers",
  "elements",
  "crypto",
  "trap",
  "log-text",
  "budget-spender",
  "jws",
];
const CONVERTERS = ["probe", "other", "traps"];

type Job = { filter: (typeof MODULES)[number] } | { test: string } | { converter: string };

async function compile(job: Job): Promise<void> {
  if ("test" in job) await builtTestModule(job.test);
  else if ("converter" in job) await probeModule(job.converter);
  else {
    const { entryFile, outFile } = compileJob(job.filter);
    await compileModule(entryFile, outFile);
  }
}

if (isMainThread) {
  const filters = process.argv.includes("--filters") ? MODULES : [];
  // The largest first: one thread that is busy longest would have the other wait.
  await inThreads<Job>(fileURLToPath(import.meta.url), [
    ...filters.map((filter) => ({ filter })),
    ...CONVERTERS.map((converter) => ({ converter })),
    ...TEST_MODULES.map((test) => ({ test })),
  ]);
} else
  parentPort?.on("message", async (job: Job) => {
    await compile(job);
    parentPort?.postMessage("built");
  });
