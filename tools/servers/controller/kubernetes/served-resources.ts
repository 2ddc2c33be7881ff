import type { Logger } from "pino";
import type { ModelTask } from "../../../api/model-task.ts";
import type { Tenant } from "../../../api/tenant.ts";
import { isDeleted, type ResourceChecks, type Stored } from "../../../cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../lib/kubernetes/manifest.ts";

interface Served {
  tenants: Tenant[];
  tasks: ModelTask[];
}

/** What is served of a cluster's Tenants and ModelTasks; what is wrong with others is logged. */
export class ServedResources {
  private readonly log: Logger;
  private readonly checks: ResourceChecks;
  /** Those whose faults have been told. */
  private readonly told = new WeakSet<object>();
  private served: Served | undefined;

  constructor(log: Logger, checks: ResourceChecks) {
    this.log = log;
    this.checks = checks;
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
    const inForce = <T extends Tenant | ModelTask>(all: Iterable<Stored>): T[] =>
      [...all]
        .filter(({ object }) => !isDeleted(object))
        .flatMap((each) => {
          this.tell(each);
          return each.served ? [each.served.resource as T] : [];
        });
    return {
      tenants: inForce<Tenant>(tenants.values()),
      tasks: inForce<ModelTask>([...tasks.values()].flat()),
    };
  }

  private tell({ object, faults }: Stored): void {
    if (faults.length === 0 || this.told.has(object)) return;
    this.told.add(object);
    const { namespace = "", name } = object.metadata;
    const resource = `${object.kind}/${namespace}/${name}`;
    this.log.warn({ resource, faults }, "the resource is at fault; it stays as it was before");
  }
}
