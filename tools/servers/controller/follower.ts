import {
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import { buffer } from "node:stream/consumers";
import { HttpError, type Request, type Response, readBody } from "../http/http.ts";
import type { Tls } from "../http/listener.ts";
import { REPORT_PATH } from "./protocol.ts";

/** What a controller that isn't the leader does with a report. */
export type FollowerAction = "forward" | "redirect";

interface FollowerOptions {
  action: FollowerAction;
  /** Undefined: not known. */
  leaderUrl: string | undefined;
  /** Certificate of this controller, which the leader must serve as well. */
  tls: Tls | undefined;
  /** Largest report, bytes. */
  maxBytes: number;
}

const FORWARDED = "x-modelgate-forwarded";
const TIMEOUT_MS = 2_000;

/**
 * Passes a report on to the leader and its answer back, or sends the caller there (307). Gateways that call
 * through an Envoy cluster can't follow a redirect to another address, so forwarding is for them. With client
 * certificates only a redirect keeps the caller's proof.
 * @throws HttpError 503 when the leader isn't known or doesn't answer
 */
export async function answerAsFollower(
  options: FollowerOptions,
  request: Request,
  response: Response,
): Promise<void> {
  const { action, leaderUrl, tls, maxBytes } = options;
  if (leaderUrl === undefined) throw noLeader("no leader is elected yet");
  const target = new URL(REPORT_PATH, leaderUrl);
  if (action === "redirect")
    throw new HttpError(307, "not_leader", "another controller is the leader", { location: target.href });
  if (request.headers[FORWARDED] !== undefined) throw noLeader("the leader is changing");
  const body = await readBody(request, maxBytes);
  const { authorization } = request.headers;
  const headers = { "content-type": "application/json", "content-length": body.length, [FORWARDED]: "1" };
  const answer = await post(
    target,
    body,
    authorization === undefined ? headers : { ...headers, authorization },
    tls,
  );
  (response as ServerResponse).writeHead(answer.status, {
    "content-type": "application/json",
    "content-length": answer.body.length,
  });
  response.end(answer.body);
}

function post(
  target: URL,
  body: Buffer,
  headers: NonNullable<RequestOptions["headers"]>,
  tls: Tls | undefined,
): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const failed = () => reject(noLeader("the leader doesn't answer"));
    const answered = (answer: IncomingMessage) => {
      buffer(answer).then((text) => resolve({ status: answer.statusCode ?? 502, body: text }), failed);
    };
    const options = { method: "POST", headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
    // The leader is reached by its address, so it is known by the certificate that all controllers share, not
    // by a name.
    const trust = { ca: tls?.cert, allowPartialTrustChain: true, checkServerIdentity: () => undefined };
    const sent =
      target.protocol === "https:"
        ? httpsRequest(target, { ...options, ...trust }, answered)
        : httpRequest(target, options, answered);
    sent.once("error", failed);
    sent.end(body);
  });
}

function noLeader(message: string): HttpError {
  return new HttpError(503, "no_leader", message, { "retry-after": "1" });
}
