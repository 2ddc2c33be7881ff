import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { concurrently } from "../../../tools/lib/kubernetes/concurrently.ts";
import { until } from "../../support/until.ts";

/** Key of the tenant of manifests/examples/new-tenant. */
export const EXAMPLE_KEY = "demo-search-key";
export const HOST = "www-search.models.example";
const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});

const CONNECTIONS = 16;

/** One request to the gateways, whichever of their pods takes the connection; `port` among the headers is that of the gateway. */
export function send(
  headers: Record<string, string>,
  agent?: Agent,
  content = BODY,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "10.88.0.1",
        ...(agent && { agent }),
        port: headers.port ?? 8866,
        method: "POST",
        path: "/v2/models/linear/infer",
        headers: {
          host: HOST,
          "x-api-key": EXAMPLE_KEY,
          ...headers,
          "content-length": Buffer.byteLength(content),
        },
      },
      (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      },
    );
    sent.once("error", (error) => reject(Object.assign(error, { reused: sent.reusedSocket })));
    sent.end(content);
  });
}

/** Sends a request until it is answered with a status. @returns the body. @throws Error after 20 s */
export async function post(
  headers: Record<string, string>,
  status: number,
  content?: string,
): Promise<string> {
  let last = "";
  const wanted = async () => {
    const answer = await send(headers, undefined, content).catch((error) => ({
      status: 0,
      body: String(error),
    }));
    last = `${answer.status} ${answer.body}`;
    return answer.status === status && answer;
  };
  return (await until(wanted, { everyMs: 200, message: () => `no ${status} but ${last}` })).body;
}

/** Sends a number of requests over a few connections. @returns how many were answered with which status; 0: not at all */
export async function sendMany(count: number, headers: Record<string, string>): Promise<Map<number, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const statuses = new Map<number, number>();
  await concurrently(new Array(count).fill(undefined), CONNECTIONS, async () => {
    const { status } = await send(headers, agent).catch(() => ({ status: 0 }));
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  });
  agent.destroy();
  return statuses;
}

/** Connections are used for this long, so that each pod gets its share of them however pods change. */
const CONNECTION_AGE_MS = 1000;
const LONGEST_REQUEST_MS = 60_000;

/**
 * Requests at a steady rate until it is stopped. All answers but 200 are failures, and so is a connection that breaks; but for
 * one that was kept and was closed before it was used again, where the request is sent anew.
 */
export class Traffic {
  private agent = new Agent({ keepAlive: true, maxSockets: 64 });
  private readonly pending = new Set<Promise<void>>();
  private readonly timers: NodeJS.Timeout[];
  private sent = 0;
  private again = 0;
  private readonly outcomes: Record<string, number> = {};

  constructor(perSecond: number, headers: Record<string, string>) {
    const started = performance.now();
    const due = () => ((performance.now() - started) / 1000) * perSecond;
    this.timers = [
      setInterval(() => {
        while (this.sent < due()) this.one(headers);
      }, 20),
      setInterval(() => {
        const old = this.agent;
        this.agent = new Agent({ keepAlive: true, maxSockets: 64 });
        setTimeout(() => old.destroy(), LONGEST_REQUEST_MS).unref();
      }, CONNECTION_AGE_MS),
    ];
  }

  private one(headers: Record<string, string>): void {
    this.sent++;
    const done = send(headers, this.agent)
      .catch((error) => {
        if (!(error as { reused?: boolean }).reused) throw error;
        this.again++;
        return send(headers, this.agent);
      })
      .then(
        ({ status }) => this.count(String(status)),
        (error) => this.count((error as NodeJS.ErrnoException).code ?? String(error)),
      )
      .finally(() => this.pending.delete(done));
    this.pending.add(done);
  }

  private count(outcome: string): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
  }

  /** @property outcomes requests by status or kind of failure. @property again sent anew, see above */
  async stop(): Promise<{ sent: number; failed: number; again: number; outcomes: Record<string, number> }> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.pending);
    this.agent.destroy();
    const { sent, again, outcomes } = this;
    return { sent, failed: sent - (outcomes["200"] ?? 0), again, outcomes };
  }
}
