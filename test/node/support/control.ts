import { createServer, request, type Server } from "node:http";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";

/** What tests can have done to the node: the path of a request. */
export type Actions = Record<string, () => Promise<void>>;

const socketIn = (folder: string) => join(folder, "control.sock");

/** Lets tests reach the node's programs, by HTTP over a socket in the node's folder. */
export async function serveControl(folder: string, actions: Actions): Promise<Server> {
  const server = createServer((asked, response) => {
    const action = actions[asked.url?.slice(1) ?? ""];
    if (!action) return response.writeHead(404).end(`the node can't ${asked.url}`);
    return action().then(
      () => response.writeHead(200).end(),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(socketIn(folder), resolve));
  return server;
}

/** Folder of the node beside which this test runs. */
export function nodeFolder(): string {
  const config = new KubeConfig();
  config.loadFromDefault();
  return dirname(config.getCurrentCluster()?.caFile ?? "");
}

/** Has the node do something. @throws Error with what it says */
export async function control(action: string): Promise<void> {
  const socketPath = socketIn(nodeFolder());
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    request({ socketPath, path: `/${action}`, method: "POST" }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    })
      .once("error", reject)
      .end();
  });
  if (status !== 200) throw new Error(`${action}: ${body}`);
}
