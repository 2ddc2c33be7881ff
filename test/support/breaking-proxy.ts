import { connect, createServer, type Socket } from "node:net";

export interface BreakingProxy {
  /** `127.0.0.1:port` */
  host: string;
  /** Bytes that it has carried so far in the direction that breaks. */
  carried(): number;
  stop(): void;
}

/**
 * A TCP proxy that breaks connections.
 * @param target `host:port`
 * @param direction whose bytes count: what clients upload, or what they download
 * @param breaks after how many bytes, of all connections, the one that carries them breaks
 */
export async function startBreakingProxy(
  target: string,
  direction: "upload" | "download",
  breaks: number[],
): Promise<BreakingProxy> {
  const [host, port] = target.split(":");
  const left = [...breaks];
  let carried = 0;
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
    const [from, to] = direction === "upload" ? [client, upstream] : [upstream, client];
    to.on("data", (data) => from.write(data));
    from.on("data", (data: Buffer) => {
      carried += data.length;
      const broken = left[0] !== undefined && carried > left[0];
      if (!broken) return to.write(data);
      left.shift();
      // What came so far is delivered.
      to.end(data, end);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as { port: number };
  return {
    host: `127.0.0.1:${address.port}`,
    carried: () => carried,
    stop() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
