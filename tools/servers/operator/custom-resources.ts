import { byKind, crossFaults, type Resources } from "../../api/cross-check.ts";
import { type Fault, formatPath } from "../../api/fault.ts";
import { issueMessage } from "../../api/issue-message.ts";
import { KINDS, type Kind, type Resource } from "../../api/kinds.ts";
import type { Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { namespaceOf, tenantOf } from "../../cluster/istio/names.ts";
import { filterFaults } from "../../cluster/oracle/filter-faults.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { incumbency } from "./status.ts";

/** A Tenant or ModelTask as the cluster has it. */
export interface Stored {
  object: Manifest;
  /** Undefined when it does not pass the schema. */
  loaded: Loaded | undefined;
  /** `field.path: message`; empty when the resource can be applied. */
  faults: string[];
}

export interface CustomResources {
  /** By name, also those that are being deleted. */
  tenants: Map<string, Stored>;
  /** By the name of their tenant, whether or not it is there. */
  tasks: Map<string, Stored[]>;
}

const parsed = new WeakMap<Manifest, Stored>();

/**
 * Checks the resources of a cluster each for itself and against each other. Where two claim the same task id
 * or host, the one that was applied as it is keeps it, else the older one.
 */
export function checkResources(objects: readonly Manifest[]): CustomResources {
  const stored = [...objects].sort(byPrecedence).map(parse);
  const present = stored.filter(({ object }) => !isDeleted(object));
  const faults = Map.groupBy(
    crossFaults(byKind(present.flatMap(({ loaded }) => loaded ?? []))),
    ({ resource }) => resource,
  );
  const sound = present.flatMap(({ object, loaded }) =>
    loaded && !faults.has(idOf(object)) ? [loaded] : [],
  );
  for (const [id, own] of refusedByFilter(byKind(sound))) faults.set(id, own);
  const checked = stored.map((each) => ({
    ...each,
    faults: [...each.faults, ...(faults.get(idOf(each.object)) ?? []).map(describe)],
  }));
  const tenants = checked.filter(({ object }) => object.kind === "Tenant");
  const tasks = checked.filter(({ object }) => object.kind === "ModelTask" && !isDeleted(object));
  return {
    tenants: new Map(tenants.map((each) => [each.object.metadata.name, each])),
    tasks: Map.groupBy(tasks, ({ object }) => tenantOf(object)),
  };
}

/** What the filter does not take, by resource: each is left out, until it takes what is left. */
function refusedByFilter(resources: Resources): Map<string, Fault[]> {
  const refused = new Map<string, Fault[]>();
  const isLeft = ({ fault }: Loaded) => !refused.has(fault([], "").resource);
  for (;;) {
    const tenants = resources.tenants.filter(isLeft);
    const tasks = resources.tasks.filter(isLeft);
    const faults = filterFaults({ tenants, tasks });
    if (faults.length === 0) return refused;
    for (const [id, own] of Map.groupBy(faults, ({ resource }) => resource)) refused.set(id, own);
  }
}

export function isDeleted({ metadata }: Manifest): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** The resources of one kind without those that are at fault. */
export function soundTasks(tasks: Stored[]): ModelTask[] {
  return tasks.flatMap(({ loaded, faults }) =>
    loaded && faults.length === 0 ? [loaded.resource as ModelTask] : [],
  );
}

export function soundTenant({ loaded, faults }: Stored): Loaded<Tenant> | undefined {
  return faults.length === 0 ? (loaded as Loaded<Tenant> | undefined) : undefined;
}

function parse(object: Manifest): Stored {
  const known = parsed.get(object);
  if (known) return known;
  const { schema } = KINDS[object.kind as Kind];
  const result = schema.safeParse(object, { error: issueMessage, reportInput: true });
  const resource = idOf(object);
  const fault = (path: PropertyKey[], message: string): Fault => ({
    ...{ file: "cluster", line: 0, resource, path, message },
  });
  const stored: Stored = result.success
    ? { object, loaded: { resource: result.data as Resource, fault }, faults: [] }
    : { object, loaded: undefined, faults: result.error.issues.map(describe) };
  parsed.set(object, stored);
  return stored;
}

function describe({ path, message }: { path: PropertyKey[]; message: string }): string {
  return path.length > 0 ? `${formatPath(path)}: ${message}` : message;
}

function idOf({ kind, metadata }: Manifest): string {
  return kind === "Tenant"
    ? `Tenant/${metadata.name}`
    : `ModelTask/${namespaceOf(metadata)}/${metadata.name}`;
}

function byPrecedence(a: Manifest, b: Manifest): number {
  const key = (object: Manifest) =>
    `${incumbency(object)} ${object.metadata.creationTimestamp} ${idOf(object)}`;
  const [left, right] = [key(a), key(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}
