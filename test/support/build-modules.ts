import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort } from "node:worker_threads";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { inThreads } from "../../tools/lib/threads.ts";
import { compileJob } from "../../tools/lib/wasm/build.ts";
import { compileModule } from "../../tools/lib/wasm/compile.ts";
import { MODULES, type OwnModule } from "../../tools/lib/wasm/modules.ts";
import { buildOwn } from "../../tools/local/build/own.ts";
import { newFolder } from "../../tools/local/own-module/new-folder.ts";
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
  "no-op",
];
const CONVERTERS = ["probe", "other", "traps"];

/** What `modelgate new` makes; the name is in the source of a filter only. */
const NEW: [OwnModule["kind"], string][] = [
  ["filter", "header-guard"],
  ["converter", "best-class"],
];

type Job =
  | { filter: (typeof MODULES)[number] }
  | { test: string }
  | { converter: string }
  | { kind: OwnModule["kind"]; name: string };

async function compile(job: Job): Promise<void> {
  if ("test" in job) await builtTestModule(job.test);
  else if ("converter" in job) await probeModule(job.converter);
  else if ("kind" in job) await buildNew(job.kind, job.name);
  else {
    const { entryFile, outFile } = compileJob(job.filter);
    await compileModule(entryFile, outFile);
  }
}

async function buildNew(kind: OwnModule["kind"], name: string): Promise<void> {
  const parent = await temporaryFolder(join(tmpdir(), "modelgate-new-"));
  try {
    const own = { kind, folder: join(parent.path, name) };
    await newFolder(own, name);
    await buildOwn(own);
  } finally {
    await parent.remove();
  }
}

if (isMainThread) {
  const filters = process.argv.includes("--filters") ? MODULES : [];
  // The largest first: one thread that is busy longest would have the other wait.
  await inThreads<Job>(fileURLToPath(import.meta.url), [
    ...filters.map((filter) => ({ filter })),
    ...NEW.map(([kind, name]) => ({ kind, name })),
    ...CONVERTERS.map((converter) => ({ converter })),
    ...TEST_MODULES.map((test) => ({ test })),
  ]);
} else
  parentPort?.on("message", async (job: Job) => {
    await compile(job);
    parentPort?.postMessage("built");
  });
