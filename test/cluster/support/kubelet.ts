import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:https";
import { connect } from "node:net";
import { join } from "node:path";
import { WebSocketServer } from "ws";

export const KUBELET_PORT = 10_250;
const PROTOCOL = "v4.channel.k8s.io";
const DATA_CHANNEL = 0;
const ERROR_CHANNEL = 1;

/**
 * The kubelet's port-forward endpoint for one port a connection (WebSocket, `v4.channel.k8s.io`: each message starts with its
 * channel; each channel starts with the port).
 * @param portOf the port of this machine that stands for a port of a pod
 */
export async function startKubelet(
  folder: string,
  portOf: (pod: string, port: number) => number,
): Promise<Server> {
  const certificates = join(folder, "certificates");
  const server = createServer({
    cert: await readFile(join(certificates, "apiserver.crt")),
    key: await readFile(join(certificates, "apiserver.key")),
  });
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => offered.has(PROTOCOL) && PROTOCOL,
  });
  sockets.on("connection", (socket, { url = "" }) => {
    const { pathname, searchParams } = new URL(url, "https://kubelet");
    const [, , namespace, pod] = pathname.split("/");
    const port = Number(searchParams.get("port") ?? searchParams.get("ports"));
    const stream = connect(portOf(`${namespace}/${pod}`, port), "127.0.0.1");
    const send = (channel: number, data: Uint8Array) =>
      socket.send(Buffer.concat([Buffer.of(channel), data]));
    for (const channel of [DATA_CHANNEL, ERROR_CHANNEL]) send(channel, Buffer.of(port & 255, port >> 8));
    socket.on("message", (data: Buffer) => stream.write(data.subarray(1)));
    socket.on("close", () => stream.destroy());
    stream.on("data", (data: Buffer) => send(DATA_CHANNEL, data));
    stream.on("error", (error) => send(ERROR_CHANNEL, Buffer.from(error.message)));
    stream.on("close", () => socket.close());
  });
  await new Promise<void>((resolve) => server.listen(KUBELET_PORT, "127.0.0.1", resolve));
  return server;
}
