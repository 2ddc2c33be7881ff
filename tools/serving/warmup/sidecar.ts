import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { DrainResult } from "../drain/replica-drain.ts";
import { listeners } from "../drain/tcp-sockets.ts";
import { type WarmUpPlan, type WarmUpTarget, warmUp } from "./warm-up.ts";
import { WatchedServer } from "./watched-server.ts";

const AGAIN_MS = 1000;
const ENDED_POLL_MS = 250;

interface SidecarOptions {
  listen: { host: string; port: number };
  server: { host: string; port: number };
  plan: WarmUpPlan;
  target: WarmUpTarget;
  /** Waits until the replica can end without loss. */
  drain: () => Promise<DrainResult>;
  log: (line: string) => void;
}

export interface Sidecar {
  port: number;
  /** Lets a drain under way come to its end first. */
  stop(): Promise<void>;
}

type State = "waiting" | "warming" | "warm" | "draining";

/**
 * Serves a model server's probes and its preStop hook beside it:
 *
 * - `/startupz`: 200 once the server is warm, and as long as its process lives;
 * - `/readyz`: 200 while it is warm and not draining;
 * - `/drain`: from now on not ready; answers when the server can be ended without loss.
 *
 * A server that was restarted is warmed anew. A warm-up that did not succeed is tried again: the kubelet's
 * startup probe decides how long. When that or a liveness probe gives up, the kubelet drains and restarts the
 * server's container alone: the process that comes after a drain is warmed like any other.
 */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { listen, server, log } = options;
  const warmth = new Warmth(options);
  const watch = () =>
    new WatchedServer(server.host, server.port, {
      onUp: () => warmth.begin(),
      onDown: () => warmth.end(),
    });
  let watched = watch();
  const stopping = new AbortController();
  let draining: Promise<DrainResult> | undefined;
  const drain = () => {
    if (!draining) {
      log("draining");
      watched.stop();
      warmth.drain();
      draining = options.drain();
      watchAgain(listeners(server.port), draining).catch(() => {});
    }
    return draining;
  };
  /**
   * Once the process is drained and has ended: until then a connection of ours would keep it from being idle.
   */
  const watchAgain = async (before: Promise<string[]>, drained: Promise<DrainResult>) => {
    const sockets = new Set(await before);
    await drained.catch(() => {});
    while ((await listeners(server.port)).some((socket) => sockets.has(socket)))
      await sleep(ENDED_POLL_MS, undefined, { signal: stopping.signal });
    if (stopping.signal.aborted) return;
    log("the server's process has ended");
    draining = undefined;
    warmth.end();
    watched = watch();
  };
  const http = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/startupz") reply(response, warmth.isWarm ? 200 : 503, warmth.describe());
    else if (pathname === "/readyz") reply(response, warmth.state === "warm" ? 200 : 503, warmth.describe());
    else if (pathname === "/drain")
      drain().then(
        (result) => reply(response, 200, { ...result }),
        (error) => reply(response, 500, { error: String(error) }),
      );
    else reply(response, 404, { error: "there are /startupz, /readyz and /drain" });
  });
  await listening(http, listen);
  return {
    port: (http.address() as AddressInfo).port,
    stop: async () => {
      stopping.abort();
      watched.stop();
      warmth.end();
      // A hook that is cut off lets the kubelet end the server at once.
      await draining?.catch(() => {});
      await sleep(0);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/** How warm the server's process is that runs now. */
class Warmth {
  private readonly options: SidecarOptions;
  private abort: AbortController | undefined;
  private reason = "the model server does not accept connections";
  state: State = "waiting";
  isWarm = false;

  constructor(options: SidecarOptions) {
    this.options = options;
  }

  /** A process of the server is there. */
  async begin(): Promise<void> {
    const { plan, target, log } = this.options;
    const abort = new AbortController();
    this.abort = abort;
    this.state = "warming";
    this.reason = "the warm-up is under way";
    while (!abort.signal.aborted) {
      const { warm, reason, answered, milliseconds } = await warmUp(plan, target, abort.signal);
      if (abort.signal.aborted) return;
      if (warm) {
        this.isWarm = true;
        this.state = "warm";
        log(`warm after ${answered} requests, ${(milliseconds / 1000).toFixed(1)} s`);
        return;
      }
      this.reason = reason;
      log(reason);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  /** That process has gone. */
  end(): void {
    this.abort?.abort();
    this.isWarm = false;
    this.state = "waiting";
    this.reason = "the model server does not accept connections";
  }

  drain(): void {
    this.abort?.abort();
    this.state = "draining";
    this.reason = "the replica is leaving";
  }

  describe(): object {
    return this.state === "warm" ? { status: "warm" } : { status: this.state, reason: this.reason };
  }
}

function listening(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
