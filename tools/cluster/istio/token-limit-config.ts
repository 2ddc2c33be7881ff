import { type ModelTask, modelNames } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";

/** Is there a limit on tokens that holds for the task? */
function isCounted(tenant: Tenant, { spec }: ModelTask): boolean {
  if (spec.protocol !== "openai") return false;
  return tenant.spec.tokenLimits !== undefined || spec.openai?.tokenLimits?.tokensPerSecond !== undefined;
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
export function tokenLimitConfig(tenant: Tenant, tasks: ModelTask[]): object | undefined {
  const counted = tasks.filter((task) => isCounted(tenant, task));
  if (counted.length === 0) return undefined;
  const { tokenLimits, mode } = tenant.spec;
  return {
    tasks: counted.map(({ spec }) => ({
      taskid: spec.taskid,
      ...spec.openai?.tokenLimits,
      mode: spec.mode ?? mode,
    })),
    ...(tokenLimits && { tenants: [{ tenant: tenant.metadata.name, ...tokenLimits, mode }] }),
  };
}
