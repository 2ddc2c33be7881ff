import { type RequestOptions, request } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

/** As client-go does: so often is a request repeated that the server has no room for. */
const MOST_REPEATS = 10;
const DEFAULT_PAUSE_MS = 1000;

export interface Answer {
  status: number;
  body: string;
}

/**
 * One HTTPS request. The API server's "too many requests" (429, priority and fairness) is repeated as late as
 * it asks, and so is a request on a kept connection that the server was closing.
 * @throws Error when no answer comes
 */
export async function exchange(url: URL, options: RequestOptions, payload?: string): Promise<Answer> {
  for (let repeats = 0; ; repeats++) {
    const { pauseMs, ...answer } = await once(url, options, payload);
    if (answer.status !== 429 || repeats === MOST_REPEATS) return answer;
    await sleep(pauseMs);
  }
}

function once(url: URL, options: RequestOptions, payload?: string): Promise<Answer & { pauseMs: number }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      const pauseMs = Number(headers["retry-after"]) * 1000 || DEFAULT_PAUSE_MS;
      text(response).then((body) => resolve({ status, body, pauseMs }), reject);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      if (sent.reusedSocket && error.code === "ECONNRESET") resolve(once(url, options, payload));
      else reject(new Error(`cannot reach the API server ${url.origin}: ${error.message}`));
    });
    sent.end(payload);
  });
}
