import type { Budget } from "../../api/budget.ts";
import { type ModelTask, modelNames } from "../../api/model-task.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import type { TaskTokenLimits } from "../../api/token-limits.ts";

/** Is there a limit on tokens that holds for the task? */
function isCounted(tenant: Tenant, { spec }: ModelTask): boolean {
  if (spec.protocol !== "openai") return false;
  const { tokenLimits, budgets } = tenant.spec;
  if (tokenLimits !== undefined || budgets.length > 0) return true;
  const { tokensPerSecond, perReplica } = spec.openai?.tokenLimits ?? {};
  return tokensPerSecond !== undefined || perReplica !== undefined;
}

/** What callers write in `model` of which tokens are counted. */
export function countedModels(tenant: Tenant, tasks: ModelTask[]): string[] {
  return tasks
    .filter((task) => isCounted(tenant, task))
    .flatMap((task) =>
      modelNames(task).flatMap((name) => [name, ...task.spec.versions.map((each) => `${name}:${each.name}`)]),
    );
}

/**
 * Configuration of the stage token-limit, as filters/rate-limit/tokens/read-config.ts reads it.
 * @returns undefined where no tokens are counted
 */
export function tokenLimitConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  hasController: boolean,
): object | undefined {
  const counted = tasks.filter((task) => isCounted(tenant, task));
  if (counted.length === 0) return undefined;
  const { tokenLimits, budgets, mode } = tenant.spec;
  return {
    tasks: counted.map(({ spec }) => ({
      taskid: spec.taskid,
      ...taskFields(spec.openai?.tokenLimits),
      mode: spec.mode ?? mode,
    })),
    ...(tokenLimits && { tenants: [{ tenant: tenant.metadata.name, ...tokenLimits, mode }] }),
    // Without a controller nobody gives leases of them.
    ...(hasController &&
      budgets.length > 0 && { gateway: gatewayName(tenant), budgets: budgets.map(budget) }),
    mode,
  };
}

/** A limit per replica has no rate here: only the controller knows how many there are. */
function taskFields(limits: TaskTokenLimits | undefined): object {
  const { perReplica, burst, ...fields } = limits ?? {};
  return perReplica !== undefined || burst === undefined ? fields : { ...fields, burst };
}

/** As filters/rate-limit/tokens/token-budget.ts reads it. */
function budget({ name, money, whenSpent, for: { credentials, tasks, each } }: Budget): object {
  return {
    name,
    unit: money === undefined ? "tokens" : "money",
    whenSpent,
    ...(each && { each }),
    ...(credentials && { credentials }),
    ...(tasks && { tasks }),
  };
}
