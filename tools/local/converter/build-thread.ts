import { parentPort } from "node:worker_threads";
import { buildConverter } from "./build.ts";

// Builds folders as they come: the compiler is loaded, and has warmed up, once for all of them.
parentPort?.on("message", async (folder: string) => {
  const fault = await buildConverter(folder).catch((error: Error) => error.message);
  parentPort?.postMessage(fault ?? "");
});
