import { join } from "node:path";
import { converterChain, localConverter } from "../../cluster/istio/converter-chain.ts";
import { fileSource } from "../../lib/envoy/resource-file.ts";
import { startModelServer } from "../../serving/model-server/server.ts";
import type { Surroundings } from "./surroundings.ts";

const TASKID = "dev";

/** What stands around a converter of a folder: a task of its own, in front of the demo's model server. */
export async function converterSurroundings(folder: string): Promise<Surroundings> {
  const models = await startModelServer();
  return {
    bootstrap: { tasks: [{ taskid: TASKID, port: models.port }] },
    filter: (file) => converterChain([TASKID], () => fileSource(file)),
    configured: async (module) => localConverter(TASKID, module),
    watched: (file) => file.endsWith(".ts"),
    hints: (url) => [
      `try: curl -H 'taskid: ${TASKID}' -d @${join(folder, "example.json")} ${url}`,
      "The models linear and echo answer",
    ],
  };
}
