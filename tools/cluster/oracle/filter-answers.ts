import type { Resources } from "../../api/cross-check.ts";
import type { Fault } from "../../api/fault.ts";
import type { Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { filterFaults } from "./filter-faults.ts";

/** What is known of a tenant, as it is now. */
interface Known {
  tenant: Loaded<Tenant>;
  /** Taken by the filter, with the tenant. */
  taken: WeakSet<Loaded<ModelTask>>;
  refused: WeakMap<Loaded<ModelTask>, Fault[]>;
}

/**
 * `filterFaults`, which asks only about what changed: resources that are the same objects are not asked about
 * again. ModelTasks of a tenant depend on each other by their task ids alone, which the cross-checks compare.
 */
export class FilterAnswers {
  private readonly known = new Map<string, Known>();

  /**
   * @param resources have passed the cross-checks
   * @throws Error when the filter's module is not there
   */
  faults({ tenants, tasks }: Resources): Fault[] {
    const byTenant = Map.groupBy(tasks, ({ resource }) => resource.spec.tenant);
    const names = new Set(tenants.map(({ resource }) => resource.metadata.name));
    for (const name of this.known.keys()) if (!names.has(name)) this.known.delete(name);
    return tenants.flatMap((tenant) =>
      this.ofTenant(tenant, byTenant.get(tenant.resource.metadata.name) ?? []),
    );
  }

  private ofTenant(tenant: Loaded<Tenant>, tasks: Loaded<ModelTask>[]): Fault[] {
    const { name } = tenant.resource.metadata;
    const before = this.known.get(name);
    const isNew = before?.tenant !== tenant;
    const known = isNew ? { tenant, taken: new WeakSet(), refused: new WeakMap() } : before;
    const refused = tasks.flatMap((task) => known.refused.get(task) ?? []);
    const unknown = tasks.filter((task) => !known.taken.has(task) && !known.refused.has(task));
    if (!isNew && unknown.length === 0) return refused;
    const faults = filterFaults({ tenants: [tenant], tasks: unknown });
    const ofResource = Map.groupBy(faults, ({ resource }) => resource);
    // A Tenant at fault may hide what is wrong with its tasks.
    if (ofResource.has(tenant.fault([], "").resource)) return [...refused, ...faults];
    for (const task of unknown) {
      const own = ofResource.get(task.fault([], "").resource);
      if (own) known.refused.set(task, own);
      // One that breaks the configuration as a whole hides the others.
      else if (faults.length === 0) known.taken.add(task);
    }
    this.known.set(name, known);
    return [...refused, ...faults];
  }
}
