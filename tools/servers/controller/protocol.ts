/**
 * The limits protocol, version 1, between the rate-limit filter of each gateway pod and the controller.
 *
 * Once a second one VM of each Envoy process sends its report, and takes the pod's shares of the limits from
 * the reply:
 *
 *     POST /v1/report     content-type: application/json     over HTTP/1.1 or HTTP/2, plain or TLS
 *
 * authenticated by `authorization: Bearer <ServiceAccount token>` or a client certificate. Request: `report`
 * below; answer 200: `Reply`. Everything else has a body `{"error","reason"}` with a stable reason:
 *
 * | status | reasons |
 * | --- | --- |
 * | 307 | `not_leader`: `location` names the leader |
 * | 400 | `report_malformed`: the error names the field |
 * | 401, 403 | `credential_missing`, `credential_unknown`; `gateway_forbidden`, `pod_unknown` |
 * | 404, 405, 413, 415 | `path_unknown`, `gateway_unknown`, `method_not_allowed`, `body_too_large`,
 * `content_type` |
 * | 408 | `body_incomplete` |
 * | 429 | `report_too_frequent`, `pods_exhausted` |
 * | 503 | `no_leader`, `starting`, `authentication_unavailable`, with `retry-after` |
 *
 * `generation` ties the two directions together. It is opaque to the pod, which sends back that of the last
 * reply it has applied; this is the acknowledgement on which the controller passes on what the pod has given
 * up (see shared-limit.ts). A pod that sends a generation which the controller did not issue to it gets a
 * full reply.
 *
 * Fields may be added within version 1: a reader ignores those it doesn't know.
 */
import { z } from "zod";
import { type BudgetsReply, budgetsReport } from "../budgets/protocol.ts";

export const PROTOCOL_VERSION = "limits.modelgate.dev/v1";
export const REPORT_PATH = "/v1/report";

const MOST = 1e9;

const count = z.number().min(0).max(MOST);
const name = z.string().min(1).max(253);

/** What a pod saw of one task or tenant since its last report. */
interface Counts {
  /** Task id or tenant. */
  name: string;
  admitted: number;
  refused: number;
  /** Requests under way now. */
  inFlight: number;
}

/**
 * An object by name, of `admitted`, and optionally `refused`, `inFlight` and `latencyMicroseconds` (mean of
 * the interval): numbers from 0 to 1e9. Checked by hand, as a report holds thousands of them, and 50 reports
 * a second come.
 */
const countsByName = z.unknown().transform((value, context): Counts[] => {
  const fault = (path: string[], message: string, input: unknown) => {
    context.issues.push({ code: "custom", path, message, input });
    return z.NEVER;
  };
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return fault([], "must be an object", value);
  const all: Counts[] = [];
  for (const [name, seen] of Object.entries(
    value as Record<string, Partial<Record<string, unknown>> | null>,
  )) {
    if (name.length === 0 || name.length > 253)
      return fault([], "has a name that is empty or too long", name);
    if (typeof seen !== "object" || seen === null) return fault([name], "must be an object", seen);
    const { admitted, refused = 0, inFlight = 0, latencyMicroseconds = 0 } = seen;
    if (!isCount(admitted)) return fault([name, "admitted"], COUNT, admitted);
    if (!isCount(refused)) return fault([name, "refused"], COUNT, refused);
    if (!isCount(inFlight)) return fault([name, "inFlight"], COUNT, inFlight);
    if (!isCount(latencyMicroseconds))
      return fault([name, "latencyMicroseconds"], COUNT, latencyMicroseconds);
    all.push({ name, admitted, refused, inFlight });
  }
  return all;
});

const COUNT = `must be a number from 0 to ${MOST}`;

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MOST;
}

export const report = z.object({
  apiVersion: z.literal(PROTOCOL_VERSION),
  gateway: z
    .string()
    .max(507)
    .regex(/^[^/]+\/[^/]+$/, "must be namespace/name")
    .describe("The tenant's gateway, namespace/name."),
  pod: name.describe("Name of the gateway pod, unique for each Envoy process."),
  generation: z.int().min(0).default(0).describe("Of the last reply applied; 0 asks for everything."),
  intervalMilliseconds: z.number().min(1).max(3_600_000).describe("Time since the last report."),
  connections: count.default(0).describe("Downstream connections, 0 when not known."),
  tasks: countsByName.prefault({}).describe("Tasks with traffic, by task id."),
  tenants: countsByName.prefault({}).describe("Tenants with traffic, by name."),
  taskTokens: countsByName
    .prefault({})
    .describe("As `tasks`, of language models: tokens used, and those that refused calls asked for."),
  tenantTokens: countsByName.prefault({}).describe("As `taskTokens`, by tenant."),
  budgets: budgetsReport.optional().describe("What the gateway spent of budgets; absent in older filters."),
});

export type Report = z.output<typeof report>;

/** A pod's share of a limit. */
export interface RateShare {
  /** Above 0. */
  requestsPerSecond: number;
  /** Requests at once, 1 or more. */
  burst: number;
}

export interface TaskShare extends RateShare {
  /** Requests at once; 0 lets none through; no cap when absent. */
  maxInFlight?: number;
}

/** A pod's share of a limit on tokens. */
export interface TokenShare {
  /** Above 0. */
  tokensPerSecond: number;
  /** Tokens at once, 1 or more. */
  burst: number;
}

export interface Reply {
  apiVersion: typeof PROTOCOL_VERSION;
  generation: number;
  /** true: all limits of the pod; false: those that changed since the reported generation. */
  full: boolean;
  /** null: the task has no limit any more. */
  tasks: Record<string, TaskShare | null>;
  tenants: Record<string, RateShare | null>;
  /** Absent: nothing of them. */
  taskTokens?: Record<string, TokenShare | null>;
  tenantTokens?: Record<string, TokenShare | null>;
  /** All revoked credentials, as SHA-256 in hexadecimal; absent when they are as before. */
  revoked?: string[];
  /** For a report that has budgets; absent while they can't be stored. */
  budgets?: BudgetsReply;
}
