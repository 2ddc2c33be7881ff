import type { Logger } from "pino";
import { formatPath } from "../../api/fault.ts";
import { issueMessage } from "../../api/issue-message.ts";
import type { Budgets } from "../budgets/budgets.ts";
import { HttpError, type Request, type Response, readBody, sendJson } from "../http/http.ts";
import type { Handle, Tls } from "../http/listener.ts";
import type { Authenticate, Caller } from "./authenticate.ts";
import { answerAsFollower, type FollowerAction } from "./follower.ts";
import type { Refusal } from "./gateway.ts";
import type { Leadership } from "./leadership.ts";
import type { Limits } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import { REPORT_PATH, type Report, report } from "./protocol.ts";

interface ReportHandlerOptions {
  limits: Limits;
  budgets: Budgets | undefined;
  authenticate: Authenticate;
  leadership: Leadership;
  whenFollower: FollowerAction;
  /** The certificate now served, if any. */
  tls: () => Tls | undefined;
  /** Largest report, bytes. */
  maxBytes: number;
  metrics: Metrics;
  log: Logger;
}

/** Serves `POST /v1/report`, see protocol.ts. */
export function reportHandler(options: ReportHandlerOptions): Handle {
  return (request, response) => {
    const end = options.metrics.reportSeconds.startTimer();
    answer(options, request, response)
      .catch((error: unknown) => refuse(options.log, response, error))
      .finally(() => {
        end();
        options.metrics.reports.inc({ status: response.statusCode });
      });
  };
}

async function answer(options: ReportHandlerOptions, request: Request, response: Response): Promise<void> {
  const { limits, leadership, maxBytes } = options;
  if (request.url !== REPORT_PATH) throw new HttpError(404, "path_unknown", `there is only ${REPORT_PATH}`);
  if (request.method !== "POST")
    throw new HttpError(405, "method_not_allowed", "send reports with POST", { allow: "POST" });
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
    throw new HttpError(415, "content_type", "content-type must be application/json");
  const caller = await authenticated(options.authenticate, request);
  if (!leadership.isLeader) {
    const { leaderUrl } = leadership;
    return answerAsFollower(
      { action: options.whenFollower, leaderUrl, tls: options.tls(), maxBytes },
      request,
      response,
    );
  }
  if (!limits.isReady)
    throw new HttpError(503, "starting", "the resources are not read yet", { "retry-after": "1" });
  const parsed = parseReport(await readBody(request, maxBytes));
  checkCaller(caller, parsed);
  const reply = limits.report(parsed);
  if (typeof reply === "string") throw refusal(reply, parsed);
  const budgets = parsed.budgets && (await options.budgets?.exchange(parsed, parsed.budgets));
  if (budgets !== undefined) reply.budgets = budgets;
  sendJson(response, 200, reply);
}

async function authenticated(authenticate: Authenticate, request: Request): Promise<Caller> {
  const caller = await authenticate(request.headers, request.socket).catch(() => {
    throw new HttpError(503, "authentication_unavailable", "the API server can't be asked", {
      "retry-after": "1",
    });
  });
  if (caller === "credential_missing")
    throw new HttpError(401, caller, "a ServiceAccount token or client certificate is required", {
      "www-authenticate": "Bearer",
    });
  if (caller === "credential_unknown")
    throw new HttpError(401, caller, "the token is not valid", {
      "www-authenticate": 'Bearer error="invalid_token"',
    });
  return caller;
}

/** @throws HttpError 400 that names the first field at fault */
function parseReport(body: Buffer): Report {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new HttpError(400, "report_malformed", "the report is not JSON");
  }
  const parsed = report.safeParse(value, { error: issueMessage, reportInput: true });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = formatPath(issue?.path ?? []).slice(0, 200);
  throw new HttpError(400, "report_malformed", `${field}${field && ": "}${issue?.message.slice(0, 200)}`);
}

function checkCaller({ namespace, pod }: Caller, parsed: Report): void {
  if (namespace !== undefined && !parsed.gateway.startsWith(`${namespace}/`))
    throw new HttpError(
      403,
      "gateway_forbidden",
      `callers of namespace ${namespace} report for its gateways only`,
    );
  if (pod !== undefined && pod !== parsed.pod)
    throw new HttpError(403, "gateway_forbidden", `the token is that of pod ${pod}`);
}

function refusal(reason: Refusal | "gateway_unknown", { gateway, pod }: Report): HttpError {
  switch (reason) {
    case "gateway_unknown":
      return new HttpError(404, reason, `no Tenant has the gateway ${gateway}`);
    case "pod_unknown":
      return new HttpError(403, reason, `the gateway ${gateway} has no running pod ${pod}`);
    case "pods_exhausted":
      return new HttpError(429, reason, `the gateway ${gateway} has too many pods`, { "retry-after": "5" });
    case "report_too_frequent":
      return new HttpError(429, reason, "one report a second is enough", { "retry-after": "1" });
  }
}

function refuse(log: Logger, response: Response, error: unknown): void {
  if (response.headersSent || response.destroyed) return;
  if (!(error instanceof HttpError)) log.error({ err: error }, "a report failed");
  const { status, reason, message, headers } =
    error instanceof HttpError
      ? error
      : new HttpError(500, "internal", "the controller failed; its log says why");
  log.debug({ status, reason, message }, "refused a report");
  sendJson(response, status, { error: message, reason }, headers);
}
