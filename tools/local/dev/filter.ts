import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { httpCluster, WASM_TYPE, wasmFilter } from "../../lib/envoy/bootstrap.ts";
import { discoveredFilter } from "../../lib/envoy/extension-config.ts";
import { startEchoServer } from "../filter/server.ts";
import type { Surroundings } from "./surroundings.ts";

/** The file of a filter's folder that is its plug-in configuration here. */
const CONFIGURATION = "config.json";
const SERVER = "server";

/** What stands around a filter of a folder: a server that answers with what the filter let through. */
export async function filterSurroundings(folder: string): Promise<Surroundings> {
  const server = await startEchoServer();
  return {
    bootstrap: {
      tasks: [],
      routes: [{ match: { prefix: "/" }, route: { cluster: SERVER } }],
      clusters: [httpCluster(SERVER, server.port)],
    },
    filter: (file) => discoveredFilter("modelgate.filter", file, WASM_TYPE),
    // Another id of the VM each time: one that stands takes no new module.
    configured: async (module) => wasmFilter("filter", module, await readConfiguration(folder), module),
    watched: (file) => file.endsWith(".ts") || file === CONFIGURATION,
    hints: (url) => [
      `try: curl -i -d hello ${url}`,
      `A server answers with what it got; the configuration is ${join(folder, CONFIGURATION)}`,
    ],
  };
}

/** @throws Error that says what is missing, or where the file is no JSON */
async function readConfiguration(folder: string): Promise<object> {
  const file = join(folder, CONFIGURATION);
  const text = await readFile(file, "utf8").catch(() => {
    throw new Error(`${file} is missing: it is the plug-in configuration of the filter, in JSON`);
  });
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}
