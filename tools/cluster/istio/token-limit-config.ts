import type { Budget } from "../../api/budget.ts";
import { type ModelTask, modelNames } from "../../api/model-task.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import type { TaskTokenLimits } from "../../api/token-limits.ts";

/** Of these the tokens are counted, for the log where no limit holds. */
export function isCounted({ spec }: ModelTask): boolean {
  return spec.protocol === "openai";
}

/** What callers write in `model` of which tokens are counted. */
export function countedModels(tasks: ModelTask[]): string[] {
  return tasks
    .filter(isCounted)
    .flatMap((task) =>
      modelNames(task).flatMap((name) => [name, ...task.spec.versions.map((each) => `${name}:${each.name}`)]),
    );
}

/**
 * Configuration of the stage token-limit, as filters/rate-limit/tokens/read-config.ts reads it.
 * @returns undefined where there is no language model
 */
export function tokenLimitConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  hasController: boolean,
): object | undefined {
  const counted = tasks.filter(isCounted);
  if (counted.length === 0) return undefined;
  const { tokenLimits, budgets, mode } = tenant.spec;
  return {
    tasks: counted.map(({ spec }) => ({
      taskid: spec.taskid,
      ...taskFields(spec.openai?.tokenLimits),
      mode: spec.mode ?? mode,
    })),
    ...(tokenLimits && { tenants: [{ tenant: tenant.metadata.name, ...tokenLimits, mode }] }),
    // Without a controller nobody gives leases of them, and nobody tells prices.
    ...(hasController && { gateway: gatewayName(tenant), budgets: budgets.map(budget) }),
    ...(tenant.spec.gateway.tuning.tracing && { traced: true }),
    mode,
  };
}

/** A limit per replica has no rate here: only the controller knows how many there are. */
function taskFields(limits: TaskTokenLimits | undefined): object {
  const { perReplica, burst, ...fields } = limits ?? {};
  return perReplica !== undefined || burst === undefined ? fields : { ...fields, burst };
}

/** As filters/rate-limit/tokens/token-budget.ts reads it. */
function budget({ name, money, whenSpent, lowerTo, hard, lastEvent, ...budget }: Budget): object {
  const { credentials, tasks, each } = budget.for;
  return {
    name,
    unit: money === undefined ? "tokens" : "money",
    whenSpent,
    ...(lowerTo !== undefined && { lowerTo }),
    ...(hard !== undefined && { hard }),
    ...(lastEvent && { lastEvent }),
    ...(each && { each }),
    ...(credentials && { credentials }),
    ...(tasks && { tasks }),
  };
}
