import { request } from "node:http";
import { text } from "node:stream/consumers";
import { pace } from "../../support/pace.ts";
import { until } from "../../support/until.ts";

/** Eight features of the demo's model `linear`. */
export const FEATURES = [1, 2, 3, 4, 5, 6, 7, 8];
const GATEWAY = { host: "search-gateway.search.svc.cluster.local", port: 8866 };
const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, FEATURES.length], datatype: "FP32", data: FEATURES }],
});

export interface Answer {
  /** 0 when there was none. */
  status: number;
  body: string;
}

/**
 * One inference, on a connection of its own.
 * @param host the gateway's Service, or the address of one pod
 */
export function infer(key: string, taskid = "666", host = GATEWAY.host, pauseMs = 0): Promise<Answer> {
  return ask(key, taskid, "/v2/models/linear/infer", BODY, host, pauseMs);
}

/** One POST of JSON, on a connection of its own, with a pause in the middle of its body. */
export function ask(
  ...[key, taskid, path, body, host = GATEWAY.host, pauseMs = 0]: [
    ...[key: string, taskid: string, path: string, body: string],
    ...[host?: string, pauseMs?: number],
  ]
): Promise<Answer> {
  const headers = {
    ...{ host: "www.search.models.example", taskid, "x-api-key": key },
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
  };
  return new Promise((resolve) => {
    const sent = request({ host, port: GATEWAY.port, method: "POST", path, headers, agent: false });
    const failed = (error: unknown) => resolve({ status: 0, body: String(error) });
    sent.once("error", failed);
    sent.once("response", (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), failed);
    });
    if (pauseMs === 0) return sent.end(body);
    sent.write(body.slice(0, body.length / 2));
    setTimeout(() => sent.end(body.slice(body.length / 2)), pauseMs);
  });
}

/**
 * Asks until the answer is 200: kube-proxy knows a Service a moment after its pods are ready.
 * @throws Error with the last answer
 */
export async function untilServed(key: string, taskid = "666"): Promise<void> {
  let last: Answer | undefined;
  const isServed = async () => {
    last = await infer(key, taskid);
    return last.status === 200;
  };
  const message = () => `the gateway does not serve: ${last?.status} ${last?.body}`;
  await until(isServed, { withinMs: 60_000, everyMs: 500, message });
}

const CALLERS = 4;
const PAUSE_MS = 20;

interface Load {
  taskid?: string;
  callers?: number;
  /** What each takes to send the body of a request. */
  pauseMs?: number;
}

/**
 * Callers that ask, one request after the other, until `work` is done; it can ask how many were answered.
 * @param load whom they ask, and how many they are
 * @returns how many answers there were of each status; those but 200 with their bodies
 */
export async function whileAsked(
  key: string,
  work: (served: () => number) => Promise<unknown>,
  { taskid = "666", callers: count = CALLERS, pauseMs = 0 }: Load = {},
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let done = false;
  const callers = Array.from({ length: count }, async () => {
    for (; !done; await pace(PAUSE_MS)) {
      const { status, body } = await infer(key, taskid, GATEWAY.host, pauseMs);
      const kind = status === 200 ? "200" : `${status} ${body}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
  });
  await work(() => counts["200"] ?? 0).finally(() => {
    done = true;
  });
  await Promise.all(callers);
  return counts;
}
