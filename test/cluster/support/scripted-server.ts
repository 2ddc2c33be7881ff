import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { pace } from "../../support/pace.ts";

const UNAVAILABLE = "14";
/** A gRPC message of no bytes: a reply without outputs. */
const EMPTY_REPLY = Buffer.alloc(5);

/** A gRPC model server that does as a test tells it, and counts. */
export class ScriptedServer {
  calls = 0;
  /** HTTP/2 connections so far. */
  connections = 0;
  /** Names of the headers of all calls so far. */
  readonly headers = new Set<string>();
  /** Calls yet to come that are answered with UNAVAILABLE. */
  failures = 0;
  delayMilliseconds = 0;
  private readonly server: Http2Server = createServer();
  private readonly sessions = new Set<ServerHttp2Session>();

  static async start(port: number, host: string): Promise<ScriptedServer> {
    const scripted = new ScriptedServer();
    const { server, sessions } = scripted;
    server.on("session", (session) => {
      scripted.connections++;
      sessions.add(session);
      session.once("close", () => sessions.delete(session));
      session.on("error", () => undefined);
    });
    server.on("stream", (stream, headers) => {
      for (const name of Object.keys(headers)) scripted.headers.add(name);
      scripted.answer(stream).catch(() => undefined);
    });
    server.listen(port, host);
    await once(server, "listening");
    return scripted;
  }

  stop(): void {
    for (const session of this.sessions) session.destroy();
    this.server.close();
  }

  private async answer(stream: ServerHttp2Stream): Promise<void> {
    this.calls++;
    stream.on("error", () => undefined);
    stream.resume();
    await once(stream, "end");
    await pace(this.delayMilliseconds);
    if (stream.destroyed) return;
    const headers = { ":status": 200, "content-type": "application/grpc" };
    if (this.failures > 0) {
      this.failures--;
      stream.respond({ ...headers, "grpc-status": UNAVAILABLE }, { endStream: true });
      return;
    }
    stream.respond(headers, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(EMPTY_REPLY);
  }
}
