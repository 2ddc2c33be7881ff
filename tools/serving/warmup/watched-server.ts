import { connect, type Socket } from "node:net";

const RETRY_MS = 250;
/**
 * Less than any server's restart takes, and enough that one which closes each connection at once is not asked
 * without pause.
 */
const REOPEN_MS = 50;

/**
 * Watches a server by a connection that is kept open: when the server's process ends, the connection does,
 * and no new one is accepted. A server that only closes idle connections accepts the next one at once, and
 * counts as the same.
 */
export class WatchedServer {
  private readonly host: string;
  private readonly port: number;
  private readonly changes: { onUp: () => void; onDown: () => void };
  private socket: Socket | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  isUp = false;

  constructor(host: string, port: number, changes: { onUp: () => void; onDown: () => void }) {
    this.host = host;
    this.port = port;
    this.changes = changes;
    this.open();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.socket?.destroy();
  }

  private open(): void {
    if (this.isStopped) return;
    const socket = connect(this.port, this.host);
    this.socket = socket;
    let wasOpen = false;
    socket.on("error", () => {});
    socket.resume();
    socket.once("connect", () => {
      wasOpen = true;
      if (this.isUp) return;
      this.isUp = true;
      this.changes.onUp();
    });
    socket.once("close", () => {
      if (this.isStopped) return;
      if (!wasOpen && this.isUp) {
        this.isUp = false;
        this.changes.onDown();
      }
      this.timer = setTimeout(() => this.open(), wasOpen ? REOPEN_MS : RETRY_MS);
    });
  }
}
