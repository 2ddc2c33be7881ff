import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Report {
  pod: string;
  generation: number;
  intervalMilliseconds: number;
  tasks: Record<string, { admitted: number; refused: number; inFlight: number; latencyMicroseconds: number }>;
}

/** How to answer a report; a string goes out as it is, undefined: not at all. */
export type Answer = (report: Report) => object | string | undefined;

export interface LimitsController {
  port: number;
  answer: Answer;
  reports: Report[];
  stop(): Promise<void>;
}

/** A server that speaks the limits protocol, or does not, as a test wants: for faults that a real controller has not. */
export async function startLimitsController(answer: Answer, port = 0): Promise<LimitsController> {
  const reports: Report[] = [];
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const report = JSON.parse(body) as Report;
    reports.push(report);
    const reply = controller.answer(report);
    if (reply === undefined) return;
    response.setHeader("content-type", "application/json");
    response.end(typeof reply === "string" ? reply : JSON.stringify(reply));
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const controller: LimitsController = {
    port: (server.address() as AddressInfo).port,
    answer,
    reports,
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
  return controller;
}
