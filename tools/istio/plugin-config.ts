import type { ModelTask } from "../resources/model-task.ts";
import type { Credential, Tenant } from "../resources/tenant.ts";

/**
 * The plug-in configuration of a tenant's gateway, from the Tenant and its ModelTasks. Limits that only the controller can
 * know (per replica) are not in it.
 * @throws Error for a credential that the filter can't check
 */
export function pluginConfig(tenant: Tenant, tasks: ModelTask[]): object {
  const { credentials, limits } = tenant.spec;
  const name = tenant.metadata.name;
  return {
    tenantAuth: {
      tenants: [
        {
          tenant: name,
          credentials: credentials
            .filter(({ enabled }) => enabled)
            .map((credential) => apiKey(name, credential)),
          tasks: permittedTasks(tenant, tasks),
        },
      ],
    },
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

function apiKey(tenant: string, { id, type, sha256 }: Credential): object {
  if (type !== "apiKey" || sha256 === undefined)
    throw new Error(
      `Tenant ${tenant}: credential ${id}: the filter checks API keys by sha256 only; this one is ${type === "apiKey" ? "in a Secret" : `of type ${type}`}`,
    );
  return { id, sha256 };
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

/** The tasks of the tenant that its permissions name, each pattern (`*`, `search-*`) by the tasks that it stands for. */
function permittedTasks(tenant: Tenant, tasks: ModelTask[]): object[] {
  const permitted = new Map<string, string[] | undefined>();
  for (const { task: pattern, versions } of tenant.spec.tasks) {
    const prefix = pattern.endsWith("*") ? pattern.slice(0, -1) : undefined;
    const named =
      prefix === undefined
        ? [pattern]
        : tasks.map(({ spec }) => spec.taskid).filter((taskid) => taskid.startsWith(prefix));
    for (const taskid of named) {
      const before = permitted.has(taskid) ? permitted.get(taskid) : [];
      permitted.set(taskid, before && versions && [...new Set([...before, ...versions])]);
    }
  }
  return [...permitted].map(([taskid, versions]) => ({ taskid, ...(versions && { versions }) }));
}
