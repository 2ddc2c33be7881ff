import { GrpcCode } from "../sdk/host/grpc-code";
import { HttpStatus } from "../sdk/host/http-status";
import { RateLimited } from "./rate-limited";

/** The answers to requests that a limit on a task, a tenant or a credential refuses. */

export const TASK_LIMITED = new RateLimited("task", "task_rate_limited", "the task is over its request rate");
export const TENANT_LIMITED = new RateLimited(
  "tenant",
  "tenant_rate_limited",
  "the tenant is over its request rate",
);
export const CREDENTIAL_LIMITED = new RateLimited(
  "credential",
  "credential_rate_limited",
  "the credential is over its request rate",
);

export const TASK_TOKENS_LIMITED = new RateLimited(
  "task-tokens",
  "task_tokens_limited",
  "the task is over its rate of tokens",
);
export const TENANT_TOKENS_LIMITED = new RateLimited(
  "tenant-tokens",
  "tenant_tokens_limited",
  "the tenant is over its rate of tokens",
);

/** Of the Tenant's budgets. */
export const BUDGET_SPENT = new RateLimited(
  "budget",
  "budget_spent",
  "less is left of a budget in this period than the call may take",
);
export const BUDGET_WAITS = new RateLimited(
  "budget",
  "budget_waits",
  "the gateway has not enough of a budget at hand: it asks the controller for more",
);

/** Requests in flight end soon, nobody knows when. */
const BUSY_MS: u64 = 1000;
export const TASK_BUSY = new RateLimited(
  "task",
  "task_concurrency_limited",
  "the task has too many requests in flight",
  HttpStatus.SERVICE_UNAVAILABLE,
  GrpcCode.UNAVAILABLE,
);
TASK_BUSY.describeWait(BUSY_MS);

export const CREDENTIAL_BUSY = new RateLimited(
  "credential",
  "credential_concurrency_limited",
  "the credential has its share of the task's requests in flight",
);
CREDENTIAL_BUSY.describeWait(BUSY_MS);
