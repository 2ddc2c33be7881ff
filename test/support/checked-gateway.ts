import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ReplyMapper } from "../../tools/cluster/istio/cors-replies.ts";
import { localReplies } from "../../tools/cluster/istio/native-check.ts";
import { bootstrap } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";

export interface CheckedGateway {
  envoy: RunningEnvoy;
  /** A request with these headers. @returns its status, and its body */
  get(headers?: Record<string, string>): Promise<{ status: number; headers: Headers; text: string }>;
  /** How many requests reached the model server. */
  served(): number;
  stop(): Promise<void>;
}

/** Leads every request to the model server, whatever its task. */
const ANY_ROUTE: object[] = [{ match: { prefix: "/" }, route: { cluster: "task-666" } }];

/**
 * The real Envoy with `filters` and the answers of the native check, and a model server that counts its
 * requests.
 */
export async function startCheckedGateway(
  filters: object[],
  cors: ReplyMapper[] = [],
  routes = ANY_ROUTE,
  clusters: object[] = [],
): Promise<CheckedGateway> {
  let served = 0;
  const server = createServer((_request, response) => {
    served++;
    response.end("model");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: [{ taskid: "666", port: (server.address() as AddressInfo).port }],
      routes,
      localReplies: localReplies(true, cors),
      filters,
      clusters,
    }),
  });
  return {
    envoy,
    async get(headers = {}) {
      const response = await fetch(`http://127.0.0.1:${envoy.port}/`, {
        headers: { taskid: "666", ...headers },
      });
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
    served: () => served,
    async stop() {
      await envoy.stop();
      server.close();
    },
  };
}
