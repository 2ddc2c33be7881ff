import type { Logger } from "pino";
import type { ModelTask } from "../../../api/model-task.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { isDeleted, ResourceChecks, type Stored } from "../../../cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../lib/kubernetes/manifest.ts";

interface Served {
  tenants: Tenant[];
  tasks: ModelTask[];
}

/**
 * What is in force of a cluster's Tenants and ModelTasks, by the checks of the operator: schema, cross-checks
 * and the filter itself. Of one at fault it is the version that was applied last, or else the one that was
 * good when this process saw it last.
 */
export class ServedResources {
  private readonly log: Logger;
  private readonly checks = new ResourceChecks();
  /** By kind, namespace and name. */
  private lastGood = new Map<string, Tenant | ModelTask>();
  /** Those whose faults have been told. */
  private readonly told = new WeakSet<object>();
  private served: Served | undefined;

  constructor(log: Logger) {
    this.log = log;
  }

  /** The resources are to be checked anew. */
  changed(): void {
    this.served = undefined;
  }

  of(objects: () => readonly Manifest[]): Served {
    this.served ??= this.check(objects());
    return this.served;
  }

  private check(objects: readonly Manifest[]): Served {
    const { tenants, tasks } = this.checks.check(objects);
    const before = this.lastGood;
    this.lastGood = new Map();
    const inForce = <T extends Tenant | ModelTask>(all: Iterable<Stored>): T[] =>
      [...all]
        .filter(({ object }) => !isDeleted(object))
        .flatMap((each) => this.inForce(each, before) ?? []) as T[];
    return {
      tenants: inForce<Tenant>(tenants.values()),
      tasks: inForce<ModelTask>([...tasks.values()].flat()),
    };
  }

  private inForce({ object, faults, served }: Stored, before: ServedResources["lastGood"]) {
    const { namespace = "", name } = object.metadata;
    const id = `${object.kind}/${namespace}/${name}`;
    if (faults.length > 0 && !this.told.has(object)) {
      this.told.add(object);
      this.log.warn({ resource: id, faults }, "the resource is at fault; it stays as it was before");
    }
    const resource = served?.resource ?? before.get(id);
    if (resource) this.lastGood.set(id, resource);
    return resource;
  }
}
