import type { ServerResponse } from "node:http";
import { HttpError, type Request, type Response, readBody } from "./http.ts";
import { REPORT_PATH } from "./protocol.ts";

/** What a controller that isn't the leader does with a report. */
export type FollowerAction = "forward" | "redirect";

const FORWARDED = "x-modelgate-forwarded";
const TIMEOUT_MS = 2_000;

/**
 * Passes a report on to the leader and its answer back, or sends the caller there (307). Gateways that call through an Envoy cluster can't
 * follow a redirect to another address, so forwarding is for them. With client certificates only a redirect keeps the caller's proof.
 * @throws HttpError 503 when the leader isn't known or doesn't answer
 */
export async function answerAsFollower(
  action: FollowerAction,
  leaderUrl: string | undefined,
  request: Request,
  response: Response,
  maxBytes: number,
): Promise<void> {
  if (leaderUrl === undefined) throw noLeader("no leader is elected yet");
  const target = new URL(REPORT_PATH, leaderUrl).href;
  if (action === "redirect")
    throw new HttpError(307, "not_leader", "another controller is the leader", { location: target });
  if (request.headers[FORWARDED] !== undefined) throw noLeader("the leader is changing");
  const { authorization } = request.headers;
  const body = await readBody(request, maxBytes);
  const answer = await fetch(target, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      [FORWARDED]: "1",
      ...(authorization === undefined ? {} : { authorization }),
    },
    body: new Uint8Array(body),
    redirect: "manual",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    throw noLeader("the leader doesn't answer");
  });
  const text = Buffer.from(await answer.arrayBuffer());
  const headers = { "content-type": "application/json", "content-length": String(text.length) };
  (response as ServerResponse).writeHead(answer.status, headers);
  response.end(text);
}

function noLeader(message: string): HttpError {
  return new HttpError(503, "no_leader", message, { "retry-after": "1" });
}
