import { byKind, crossFaults } from "../../api/cross-check.ts";
import { type Fault, formatPath } from "../../api/fault.ts";
import { issueMessage } from "../../api/issue-message.ts";
import { KINDS, type Kind, type Resource } from "../../api/kinds.ts";
import type { Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { namespaceOf, tenantOf } from "../istio/names.ts";
import { FilterAnswers } from "../oracle/filter-answers.ts";
import { incumbency, lastApplied } from "./condition.ts";

/** A Tenant or ModelTask as the cluster has it. */
export interface Stored {
  object: Manifest;
  /** `field.path: message`; empty when the resource can be applied. */
  faults: string[];
  /**
   * What is to be served: the resource, or, of one at fault, the version that was applied last (or else was
   * good when these checks saw it last). Undefined when none can be.
   */
  served: Loaded | undefined;
}

export interface CustomResources {
  /** By name, also those that are being deleted. */
  tenants: Map<string, Stored>;
  /** By the name of their tenant, whether or not it is there. */
  tasks: Map<string, Stored[]>;
}

interface Parsed {
  /** Undefined when it does not pass the schema. */
  loaded: Loaded | undefined;
  faults: string[];
}

/** A resource while it is being decided what of it is served. */
interface Candidate {
  object: Manifest;
  id: string;
  faults: string[];
  served: Loaded | undefined;
  /** The version to fall back to. */
  before: Loaded | undefined;
}

/** Checks the resources of a cluster, and remembers what did not change, and what was good. */
export class ResourceChecks {
  private readonly answers: Pick<FilterAnswers, "faults">;
  private readonly parsed = new Map<string, Parsed & { text: string }>();
  /** By id: the last version without faults. */
  private readonly good = new Map<string, Loaded>();

  /** @param answers what the filter says; default: a VM of it, started by the first check */
  constructor(answers: Pick<FilterAnswers, "faults"> = new FilterAnswers()) {
    this.answers = answers;
  }

  /**
   * Each for itself, against each other, and by the filter. Where two claim the same task id or host, the one
   * that was applied as it is keeps it, else the older one. Of a resource at fault an earlier version goes
   * on, so that neither it nor anything else changes: see `Stored.served`.
   */
  check(objects: readonly Manifest[]): CustomResources {
    const all = [...objects].sort(byPrecedence).map((object) => this.candidate(object));
    this.forget(new Set(all.map(({ id }) => id)));
    const present = all.filter(({ object }) => !isDeleted(object));
    for (const each of present) if (each.faults.length > 0) fallBack(each);
    while (this.demote(present));
    for (const { id, faults, served } of present)
      if (faults.length === 0 && served) this.good.set(id, served);
    const stored = all.map(toStored);
    const tenants = stored.filter(({ object }) => object.kind === "Tenant");
    const tasks = stored.filter(({ object }) => object.kind === "ModelTask" && !isDeleted(object));
    return {
      tenants: new Map(tenants.map((each) => [each.object.metadata.name, each])),
      tasks: Map.groupBy(tasks, ({ object }) => tenantOf(object)),
    };
  }

  private candidate(object: Manifest): Candidate {
    const id = idOf(object);
    const { loaded, faults } = this.parse(object, id, "");
    const last = lastApplied(object);
    const applied = last && this.parse(last, id, " as applied").loaded;
    const good = this.good.get(id);
    return { object, id, faults, served: loaded, before: applied ?? (good === loaded ? undefined : good) };
  }

  /** Tells each resource its faults, and lets it fall back. @returns whether anything is new */
  private demote(present: Candidate[]): boolean {
    const faults = this.faults(present);
    let isNew = false;
    for (const each of present) {
      const own = faults.get(each.id);
      if (!own) continue;
      const isTenant = each.object.kind === "Tenant";
      const canFallBack = each.before !== undefined && !isEarlier(each);
      if (isTenant && each.faults.length > 0 && !canFallBack) continue;
      if (each.faults.length === 0) each.faults = own.map(describe);
      // A Tenant's tasks still have it: what is wrong with it is said there alone.
      if (!isTenant || canFallBack) fallBack(each);
      isNew = true;
    }
    return isNew;
  }

  /** What is wrong with what would be served, by resource. */
  private faults(present: Candidate[]): Map<string, Fault[]> {
    // Who serves an earlier version had first what others may claim by now.
    const order = [...present].sort((a, b) => Number(isEarlier(b)) - Number(isEarlier(a)));
    const crossed = Map.groupBy(
      crossFaults(byKind(order.flatMap(({ served }) => served ?? []))).filter((fault) => !isOfTask(fault)),
      ({ resource }) => resource,
    );
    const isSound = (each: Candidate) =>
      !crossed.has(each.id) &&
      (each.object.kind === "ModelTask" || each.faults.length === 0 || isEarlier(each));
    const sound = byKind(order.filter(isSound).flatMap(({ served }) => served ?? []));
    const refused = Map.groupBy(this.answers.faults(sound), ({ resource }) => resource);
    return new Map([...crossed, ...refused]);
  }

  /** The resource; the same object as long as the same is written. */
  private parse(object: Manifest, id: string, version: string): Parsed {
    const { labels, annotations } = object.metadata;
    const text = JSON.stringify([object.spec, labels, annotations]);
    const known = this.parsed.get(id + version);
    if (known?.text === text) return known;
    const fresh = { ...parseResource(object, id), text };
    this.parsed.set(id + version, fresh);
    return fresh;
  }

  private forget(ids: Set<string>): void {
    for (const key of this.parsed.keys())
      if (!ids.has(key.replace(/ as applied$/, ""))) this.parsed.delete(key);
    for (const id of this.good.keys()) if (!ids.has(id)) this.good.delete(id);
  }
}

/**
 * A public path's task is not there: its requests find no route. A ModelTask that comes late or goes holds no
 * gateway.
 */
function isOfTask({ path }: Fault): boolean {
  return path[1] === "publicPaths" && path[3] === "task";
}

/** Is it an earlier version that is served? */
function isEarlier({ served, before }: Candidate): boolean {
  return served !== undefined && served === before;
}

function fallBack(each: Candidate): void {
  each.served = isEarlier(each) ? undefined : each.before;
}

function toStored(each: Candidate): Stored {
  const { object, faults, served } = each;
  const isHeld = object.kind === "Tenant" && faults.length > 0 && !isEarlier(each);
  return { object, faults, served: isHeld ? undefined : served };
}

export function isDeleted({ metadata }: Manifest): boolean {
  return metadata.deletionTimestamp !== undefined;
}

/** What is served of a tenant's ModelTasks. */
export function servedTasks(tasks: Stored[]): Loaded<ModelTask>[] {
  return tasks.flatMap(({ served }) => (served ? [served as Loaded<ModelTask>] : []));
}

/** What is served of a Tenant. */
export function servedTenant({ served }: Stored): Loaded<Tenant> | undefined {
  return served as Loaded<Tenant> | undefined;
}

function parseResource(object: Manifest, resource: string): Parsed {
  const { schema } = KINDS[object.kind as Kind];
  const result = schema.safeParse(object, { error: issueMessage, reportInput: true });
  const fault = (path: PropertyKey[], message: string): Fault => ({
    ...{ file: "cluster", line: 0, resource, path, message },
  });
  return result.success
    ? { loaded: { resource: result.data as Resource, fault }, faults: [] }
    : { loaded: undefined, faults: result.error.issues.map(describe) };
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
