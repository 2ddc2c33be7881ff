import { Agent, request } from "node:http";
import { KEY } from "../support/gateway.ts";
import { pace } from "../support/pace.ts";

/** One request and what came of it. */
export interface Call {
  /** When it was sent, in milliseconds of `performance.now`. */
  at: number;
  milliseconds: number;
  /** HTTP status; 0 when the connection was refused or broke. */
  status: number;
  /** The field `reason` of an error, or its text. */
  reason: string;
}

const body = JSON.stringify({ inputs: [{ name: "x", shape: [2], datatype: "FP32", data: [0.5, 1.5] }] });

/** Sends requests at a steady pace until the signal, whatever comes back. */
export async function callSteadily(
  port: () => number,
  requestsPerSecond: number,
  signal: AbortSignal,
): Promise<Call[]> {
  const agent = new Agent({ keepAlive: true });
  const calls: Promise<Call>[] = [];
  const start = performance.now();
  while (!signal.aborted) {
    await pace(Math.max(0, start + (calls.length * 1000) / requestsPerSecond - performance.now()));
    calls.push(call(port(), agent));
  }
  const all = await Promise.all(calls);
  agent.destroy();
  return all;
}

function call(port: number, agent: Agent): Promise<Call> {
  const at = performance.now();
  return new Promise((resolve) => {
    const done = (status: number, reason: string) =>
      resolve({ at, milliseconds: performance.now() - at, status, reason });
    const outgoing = request(
      {
        ...{ host: "127.0.0.1", port, agent, method: "POST", path: "/v2/models/m/infer" },
        headers: { "x-api-key": KEY, taskid: "666", "content-length": Buffer.byteLength(body) },
      },
      async (response) => {
        let text = "";
        try {
          for await (const chunk of response) text += chunk;
          done(response.statusCode ?? 0, response.statusCode === 200 ? "" : reasonOf(text));
        } catch {
          done(0, "the connection broke");
        }
      },
    );
    outgoing.on("error", (error: NodeJS.ErrnoException) => done(0, error.code ?? error.message));
    outgoing.end(body);
  });
}

function reasonOf(text: string): string {
  try {
    const { reason, error } = JSON.parse(text) as { reason?: string; error?: string };
    return reason ?? error ?? text;
  } catch {
    return text.slice(0, 80);
  }
}
