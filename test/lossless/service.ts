import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { pace } from "../support/pace.ts";

/** What kube-proxy and load balancers take to hear of a pod, milliseconds. */
const PROPAGATION_MS = 500;

/** A Service of type ClusterIP as kube-proxy makes it: each new TCP connection goes to one of the ready pods, and stays there. */
export class ConnectionBalancer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private ports: number[] = [];
  private next = 0;

  private constructor() {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const port = this.ports[this.next++ % this.ports.length];
      if (port === undefined) return client.destroy();
      const pod = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
      const cut = () => {
        client.destroy();
        pod.destroy();
      };
      for (const socket of [client, pod]) {
        this.sockets.add(socket);
        socket.on("error", cut);
        socket.once("close", () => this.sockets.delete(socket));
      }
      client.pipe(pod).pipe(client);
    });
  }

  static async start(): Promise<ConnectionBalancer> {
    const balancer = new ConnectionBalancer();
    await new Promise<void>((resolve) => balancer.server.listen(0, "127.0.0.1", resolve));
    return balancer;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async add(port: number): Promise<void> {
    await pace(PROPAGATION_MS);
    this.ports.push(port);
  }

  async remove(port: number): Promise<void> {
    await pace(PROPAGATION_MS);
    this.ports = this.ports.filter((each) => each !== port);
  }

  close(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }
}
