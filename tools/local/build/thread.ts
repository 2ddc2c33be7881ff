import { parentPort } from "node:worker_threads";
import type { OwnModule } from "../../lib/wasm/modules.ts";
import { buildOwn } from "./own.ts";

// Builds folders as they come: the compiler is loaded, and has warmed up, once for all of them.
parentPort?.on("message", async (own: OwnModule) => {
  const fault = await buildOwn(own).catch((error: Error) => error.message);
  parentPort?.postMessage(fault ?? "");
});
