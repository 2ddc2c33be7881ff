import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";

/**
 * What is rendered of a tenant's task, made once as long as both are the same objects: a controller renders
 * all of a tenant at each change of a task, and its checks keep what did not change. Nobody may change what
 * is rendered.
 */
export function remembered<T>(
  render: (tenant: Tenant, task: ModelTask) => T,
): (tenant: Tenant, task: ModelTask) => T {
  const made = new WeakMap<ModelTask, { tenant: Tenant; rendered: T }>();
  return (tenant, task) => {
    const known = made.get(task);
    if (known?.tenant === tenant) return known.rendered;
    const rendered = render(tenant, task);
    made.set(task, { tenant, rendered });
    return rendered;
  };
}
