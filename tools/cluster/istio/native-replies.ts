import type { EnvoyRoute } from "./envoy-route.ts";

/**
 * What Envoy answers by itself, without the filter: `reason` is the word, as in the filter's own refusals.
 */
interface NativeReply {
  status: number;
  reason: string;
  message: string;
}

export const TASK_UNKNOWN: NativeReply = {
  status: 404,
  reason: "task_unknown",
  message: "the gateway has no such task",
};
export const VERSION_UNKNOWN: NativeReply = {
  status: 404,
  reason: "version_unknown",
  message: "the task has no such version",
};

export const FILTER_MISSING: NativeReply = {
  status: 503,
  reason: "filter_missing",
  message: "the gateway's filter did not check the request",
};

/** The body that HTTP callers get (as filters/sdk/pipeline/local-reply.ts makes them). */
export function jsonBody({ message, reason }: NativeReply): string {
  return `${JSON.stringify({ error: message, reason })}\n`;
}

/**
 * Routes that answer every request: JSON to HTTP callers, and to gRPC callers a status, of which the body is
 * the message.
 */
export function replyRoutes(reply: NativeReply): EnvoyRoute[] {
  const { status, reason, message } = reply;
  const name = `modelgate.${reason}`;
  const answer = (inline_string: string) => ({ status, body: { inline_string } });
  return [
    { name, match: { prefix: "/", grpc: {} }, direct_response: answer(message) },
    {
      name,
      match: { prefix: "/" },
      direct_response: answer(jsonBody(reply)),
      response_headers_to_add: [
        {
          header: { key: "content-type", value: "application/json" },
          append_action: "OVERWRITE_IF_EXISTS_OR_ADD",
        },
      ],
    },
  ];
}
