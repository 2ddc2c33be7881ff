import { parentPort } from "node:worker_threads";
import { compileModule } from "./compile.ts";

/** A module to compile, as `compileModule` takes it. */
export interface CompileJob {
  entryFile: string;
  outFile: string;
}

// A thread of `inThreads`: the compiler is loaded, and has warmed up, once for many modules.
parentPort?.on("message", async ({ entryFile, outFile }: CompileJob) => {
  await compileModule(entryFile, outFile);
  parentPort?.postMessage("compiled");
});
