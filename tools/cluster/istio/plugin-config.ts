import { hasConverter, type ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { accessLogConfig } from "./access-log-config.ts";
import { conversionConfig } from "./conversion-config.ts";
import { type ControllerAddress, rateLimitConfig } from "./rate-limit-config.ts";
import type { SecretLookup } from "./secret-lookup.ts";
import { streamsConfig } from "./streams-config.ts";
import { type TenantAuthConfig, tenantAuthConfig } from "./tenant-auth-config.ts";
import { tokenLimitConfig } from "./token-limit-config.ts";

/**
 * The plug-in configuration of a tenant's gateway, from the Tenant and its ModelTasks.
 * @param clusterOf Envoy's name for where a task is served; default: Istio's
 * @throws Error for a Secret that `secrets` does not know
 */
export function pluginConfig(
  tenant: Tenant,
  tasks: ModelTask[],
  secrets: SecretLookup,
  controller?: ControllerAddress,
  clusterOf?: (task: ModelTask) => string,
): { tenantAuth: TenantAuthConfig; protocolConversion: object; [stage: string]: unknown } {
  const { requests } = tenant.spec.compression ?? {};
  const tokenLimit = tokenLimitConfig(tenant, tasks, controller !== undefined);
  const streams = streamsConfig(tasks);
  const behind = tasks.filter(hasConverter).map(({ spec }) => spec.taskid);
  return {
    tenantAuth: tenantAuthConfig(tenant, tasks, secrets, clusterOf),
    ...(streams && { streams }),
    rateLimit: rateLimitConfig(tenant, tasks, controller, secrets),
    ...(tokenLimit && { tokenLimit }),
    ...(requests && { decompression: requests }),
    protocolConversion: conversionConfig(tasks),
    accessLog: accessLogConfig(tenant, secrets),
    ...(behind.length > 0 && { filtersBehind: behind }),
  };
}
