import type { ModelTask } from "../resources/model-task.ts";
import type { Tenant } from "../resources/tenant.ts";
import { type SecretLookup, tenantAuthConfig } from "./tenant-auth-config.ts";

/**
 * The plug-in configuration of a tenant's gateway, from the Tenant and its ModelTasks. Limits that only the controller can
 * know (per replica) are not in it.
 * @throws Error for a Secret that `secrets` does not know
 */
export function pluginConfig(tenant: Tenant, tasks: ModelTask[], secrets: SecretLookup): object {
  const { limits } = tenant.spec;
  const name = tenant.metadata.name;
  return {
    tenantAuth: tenantAuthConfig(tenant, tasks, secrets),
    rateLimit: {
      tasks: tasks.flatMap(({ spec: { taskid, limits } }) =>
        limits?.requestsPerSecond === undefined
          ? []
          : [{ taskid, ...rate({ ...limits, requestsPerSecond: limits.requestsPerSecond }) }],
      ),
      tenants: limits ? [{ tenant: name, ...rate(limits) }] : [],
    },
    protocolConversion: {
      tasks: tasks
        .filter(({ spec }) => spec.conversion.protocol === "openInference")
        .map(({ spec }) => ({ taskid: spec.taskid })),
    },
    accessLog: {},
  };
}

function rate({
  requestsPerSecond,
  burst,
}: {
  requestsPerSecond: number;
  burst?: number | undefined;
}): object {
  return { requestsPerSecond, ...(burst !== undefined && { burst }) };
}
