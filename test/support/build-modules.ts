import { fileURLToPath } from "node:url";
import { isMainThread, parentPort } from "node:worker_threads";
import { inThreads } from "../../tools/lib/threads.ts";
import { probeModule } from "./converter.ts";
import { builtTestModule } from "./wasm.ts";

/**
 * Compiles the modules of the default tests, several at a time, so that they find them in the cache: a compiler is
 * slow at its first module.
 */
const MODULES = ["host-calls", "numbers", "elements", "crypto", "trap", "log-text", "budget-spender"];
const CONVERTERS = ["probe", "other"];

if (isMainThread) {
  await inThreads(fileURLToPath(import.meta.url), [...MODULES, ...CONVERTERS]);
} else
  parentPort?.on("message", async (name: string) => {
    await (CONVERTERS.includes(name) ? probeModule(name) : builtTestModule(name));
    parentPort?.postMessage("built");
  });
