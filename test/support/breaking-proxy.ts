import { connect, createServer, type Socket } from "node:net";

export interface BreakingProxy {
  /** `127.0.0.1:port` */
  host: string;
  /** Bytes that the clients have sent so far. */
  received(): number;
  stop(): void;
}

/**
 * A TCP proxy that breaks connections.
 * @param target `host:port`
 * @param breaks after how many bytes from all clients the connection that carries them breaks
 */
export async function startBreakingProxy(target: string, breaks: number[]): Promise<BreakingProxy> {
  const [host, port] = target.split(":");
  const left = [...breaks];
  let received = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", end).on("close", end);
    }
    client.on("data", (data: Buffer) => {
      received += data.length;
      const broken = left[0] !== undefined && received > left[0];
      if (!broken) return upstream.write(data);
      left.shift();
      // What came so far is delivered.
      upstream.end(data, () => client.destroy());
    });
    upstream.on("data", (data) => client.write(data));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    host: `127.0.0.1:${address.port}`,
    received: () => received,
    stop() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
