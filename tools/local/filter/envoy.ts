import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, httpCluster, wasmFilter } from "../../lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { startEnvoy } from "../../lib/envoy/process.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { Backtrace } from "../../lib/wasm/backtrace.ts";
import { readPlaces } from "../../lib/wasm/places.ts";
import { sourceIn } from "../own-module/compile.ts";
import { compileFilter } from "./compile.ts";
import { startEchoServer } from "./server.ts";

const SERVER = "server";

/** A filter in a real Envoy, in front of a server that answers with what it got. */
interface FilterInEnvoy {
  /** Without a path. */
  url: string;
  /** Envoy's log, in which an exception of the filter names its place in the developer's folder. */
  log: string[];
  stop(): Promise<void>;
}

/**
 * Compiles the filter of a folder and starts Envoy with it. The server behind answers each request 200 with
 * `{"method", "path", "headers", "body"}` in JSON: what the filter let through.
 * @throws Error with Envoy's log when it does not take the filter or its configuration
 */
export async function startEnvoyWithFilter(folder: string, configuration: object): Promise<FilterInEnvoy> {
  const envoy = await findEnvoy(undefined);
  const temporary = await temporaryFolder(join(tmpdir(), "modelgate-filter-"));
  const server = await startEchoServer();
  const stopOthers = async () => {
    server.stop();
    await temporary.remove();
  };
  try {
    const module = join(temporary.path, "filter.wasm");
    await compileFilter(folder, module);
    const backtrace = new Backtrace(readPlaces(module, sourceIn(folder)));
    const log: string[] = [];
    const running = await startEnvoy({
      ...{ envoy, concurrency: 1 },
      bootstrap: bootstrap({
        tasks: [],
        filters: [wasmFilter("filter", module, configuration)],
        routes: [{ match: { prefix: "/" }, route: { cluster: SERVER } }],
        clusters: [httpCluster(SERVER, server.port)],
      }),
      onLog: (line) => log.push(...(backtrace.line(line)?.split("\n") ?? [])),
    });
    const stop = async () => {
      await running.stop();
      await stopOthers();
    };
    return { url: `http://127.0.0.1:${running.port}`, log, stop };
  } catch (error) {
    await stopOthers();
    throw error;
  }
}
