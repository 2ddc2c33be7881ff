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

/** One inference through the Service of the gateway, on a connection of its own. */
export function infer(key: string, taskid = "666"): Promise<Answer> {
  const headers = {
    ...{ host: "www.search.models.example", taskid, "x-api-key": key },
    "content-length": String(Buffer.byteLength(BODY)),
  };
  const path = "/v2/models/linear/infer";
  return new Promise((resolve) => {
    const sent = request({ ...GATEWAY, method: "POST", path, headers, agent: false });
    const failed = (error: unknown) => resolve({ status: 0, body: String(error) });
    sent.once("error", failed);
    sent.once("response", (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), failed);
    });
    sent.end(BODY);
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

/**
 * Callers that ask, one request after the other, until `work` is done.
 * @returns how many answers there were of each status; those but 200 with their bodies
 */
export async function whileAsked(key: string, work: () => Promise<void>): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  let done = false;
  const callers = Array.from({ length: CALLERS }, async () => {
    for (; !done; await pace(PAUSE_MS)) {
      const { status, body } = await infer(key);
      const kind = status === 200 ? "200" : `${status} ${body}`;
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
  });
  await work().finally(() => {
    done = true;
  });
  await Promise.all(callers);
  return counts;
}
