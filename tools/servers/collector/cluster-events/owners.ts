import type { ModelTask } from "../../../api/model-task.ts";
import { gatewayName, type Tenant } from "../../../api/tenant.ts";
import { namespaceOf } from "../../../cluster/istio/names.ts";

/** Whose an object of the cluster is; empty = nobody's alone. */
interface Owner {
  tenant: string;
  taskid: string;
  gateway: string;
}

/** Finds the tenant and task of Kubernetes objects by namespace and name. */
export class Owners {
  private readonly byNamespace = new Map<string, { tenant: Tenant; tasks: ModelTask[] }>();

  constructor(tenants: Tenant[], tasks: ModelTask[]) {
    for (const tenant of tenants)
      for (const namespace of [...tenant.spec.namespaces, tenant.spec.gateway.namespace])
        if (!this.byNamespace.has(namespace)) this.byNamespace.set(namespace, { tenant, tasks: [] });
    for (const task of tasks) this.byNamespace.get(namespaceOf(task.metadata))?.tasks.push(task);
  }

  get namespaces(): string[] {
    return [...this.byNamespace.keys()].sort();
  }

  /**
   * The owner of an object. A task's are those named as its Service or ModelTask, or so with a suffix, as
   * Deployments name their pods.
   * @returns undefined in a namespace that is no tenant's
   */
  of(namespace: string, name: string): Owner | undefined {
    const found = this.byNamespace.get(namespace);
    if (found === undefined) return undefined;
    const { tenant, tasks } = found;
    let longest = "";
    let taskid = "";
    for (const { metadata, spec } of tasks)
      for (const stem of [spec.service.name, metadata.name])
        if ((name === stem || name.startsWith(`${stem}-`)) && stem.length > longest.length) {
          longest = stem;
          taskid = spec.taskid;
        }
    return { tenant: tenant.metadata.name, taskid, gateway: gatewayName(tenant) };
  }
}
