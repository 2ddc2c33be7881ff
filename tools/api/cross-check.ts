import { budgetFaults } from "./budget-faults.ts";
import { credentialFaults } from "./credential-faults.ts";
import { exemptFaults } from "./exempt-faults.ts";
import { type Fault, formatPlace, InvalidResources } from "./fault.ts";
import { nearest } from "./issue-message.ts";
import type { Loaded } from "./load.ts";
import { type ModelTask, modelNames } from "./model-task.ts";
import { gatewayName, gatewaySelector, type Tenant } from "./tenant.ts";

export interface Resources {
  tenants: Loaded<Tenant>[];
  tasks: Loaded<ModelTask>[];
}

/** Sorts resources by kind. */
export function byKind(resources: Loaded[]): Resources {
  const isTenant = (loaded: Loaded): loaded is Loaded<Tenant> => loaded.resource.kind === "Tenant";
  const isTask = (loaded: Loaded): loaded is Loaded<ModelTask> => loaded.resource.kind === "ModelTask";
  return { tenants: resources.filter(isTenant), tasks: resources.filter(isTask) };
}

/** What no schema of one resource can see. @throws InvalidResources with every fault */
export function crossCheck(resources: Resources): void {
  const faults = crossFaults(resources);
  if (faults.length > 0) throw new InvalidResources(faults);
}

/** Faults between resources, in the order of the resources. */
export function crossFaults({ tenants, tasks }: Resources): Fault[] {
  return [
    ...duplicates(
      tenants,
      ({ resource }) => resource.metadata.name,
      ["metadata", "name"],
      "is defined twice",
    ),
    ...duplicates(
      tenants,
      ({ resource }) => gatewayName(resource),
      ["spec", "gateway", "name"],
      "is the gateway of another tenant",
    ),
    ...sharedPods(tenants),
    ...overlappingHosts(tenants),
    ...tenants.flatMap(credentialFaults),
    ...duplicates(tasks, ({ resource }) => taskName(resource), ["metadata", "name"], "is defined twice"),
    ...duplicates(
      tasks,
      ({ resource }) => resource.spec.taskid,
      ["spec", "taskid"],
      "is the task id of another task",
    ),
    ...tenants.flatMap(({ resource }) => modelNameFaults(resource, tasks)),
    ...ownerFaults(tenants, tasks),
    ...tenants.flatMap((tenant) => publicPathFaults(tenant, tasks)),
    ...tenants.flatMap((tenant) => budgetFaults(tenant, tasks)),
    ...exemptFaults(tenants, tasks),
    ...tasks.flatMap(routingFaults),
  ];
}

function taskName({ metadata }: ModelTask): string {
  return `${metadata.namespace ?? "default"}/${metadata.name}`;
}

/** A fault at each resource whose key an earlier one has, with where that is. */
function duplicates<R extends Tenant | ModelTask>(
  resources: Loaded<R>[],
  key: (loaded: Loaded<R>) => string,
  path: PropertyKey[],
  message: string,
): Fault[] {
  const first = new Map<string, Loaded<R>>();
  return resources.flatMap((loaded) => {
    const value = key(loaded);
    const other = first.get(value);
    if (!other) {
      first.set(value, loaded);
      return [];
    }
    return [loaded.fault(path, `${JSON.stringify(value)} ${message}: ${place(other.fault(path, ""))}`)];
  });
}

function place(fault: Fault): string {
  return `${fault.resource} at ${formatPlace(fault)}`;
}

function ownerFaults(tenants: Loaded<Tenant>[], tasks: Loaded<ModelTask>[]): Fault[] {
  const byName = new Map(tenants.map(({ resource }) => [resource.metadata.name, resource]));
  return tasks.flatMap(({ resource: { metadata, spec }, fault }) => {
    const tenant = byName.get(spec.tenant);
    if (!tenant) {
      const near = nearest(spec.tenant, [...byName.keys()]);
      const hint = near === undefined ? "define it, or add its file" : `did you mean ${near}?`;
      return [fault(["spec", "tenant"], `there is no Tenant ${JSON.stringify(spec.tenant)} (${hint})`)];
    }
    const namespace = metadata.namespace ?? "default";
    if (tenant.spec.namespaces.includes(namespace)) return [];
    const known = tenant.spec.namespaces.join(", ");
    return [
      fault(
        ["metadata", "namespace"],
        `${JSON.stringify(namespace)} is no namespace of Tenant ${spec.tenant} (it has ${known}; add it to spec.namespaces or move the task)`,
      ),
    ];
  });
}

/** Each model name that callers write must lead to one task of the tenant, also with a version behind it. */
function modelNameFaults({ metadata }: Tenant, tasks: Loaded<ModelTask>[]): Fault[] {
  const own = tasks.filter(({ resource }) => resource.spec.tenant === metadata.name);
  const first = new Map<string, string>();
  return own.flatMap(({ resource, fault }) =>
    modelNames(resource).flatMap((name, index) => {
      const path = resource.spec.openai?.models.length
        ? ["spec", "openai", "models", index]
        : ["spec", "taskid"];
      const taken = first.get(name) ?? versionedOwner(name, own);
      first.set(name, resource.spec.taskid);
      return taken === undefined
        ? []
        : [fault(path, `${JSON.stringify(name)} is the name of a model of task ${taken} already`)];
    }),
  );
}

/** The task that `name:version` leads to. */
function versionedOwner(name: string, tasks: Loaded<ModelTask>[]): string | undefined {
  const colon = name.lastIndexOf(":");
  if (colon < 0) return undefined;
  return tasks.find(
    ({ resource }) =>
      modelNames(resource).includes(name.slice(0, colon)) &&
      resource.spec.versions.some((version) => version.name === name.slice(colon + 1)),
  )?.resource.spec.taskid;
}

/** A public path may only be for one of the tenant's own tasks. */
function publicPathFaults({ resource, fault }: Loaded<Tenant>, tasks: Loaded<ModelTask>[]): Fault[] {
  const { name } = resource.metadata;
  const own = tasks.flatMap(({ resource: { spec } }) => (spec.tenant === name ? [spec.taskid] : []));
  return resource.spec.publicPaths.flatMap(({ task }, index) =>
    task === undefined || own.includes(task)
      ? []
      : [
          fault(
            ["spec", "publicPaths", index, "task"],
            `${JSON.stringify(task)} is no task id of a ModelTask of this tenant${own.length > 0 ? ` (it has ${own.join(", ")})` : ""}`,
          ),
        ],
  );
}

/** Each version that a task routes to must be one of its own. */
function routingFaults({ resource: { spec }, fault }: Loaded<ModelTask>): Fault[] {
  const versions = spec.versions.map(({ name }) => name);
  const known = versions.length > 0 ? `it has ${versions.join(", ")}` : "it has none";
  const check = (version: string, path: PropertyKey[]) =>
    versions.includes(version)
      ? []
      : [fault(path, `${JSON.stringify(version)} is no version of this task (${known})`)];
  return [
    ...versions.flatMap((name, index) =>
      versions.indexOf(name) === index
        ? []
        : [fault(["spec", "versions", index, "name"], `${JSON.stringify(name)} is named twice`)],
    ),
    ...spec.matches.flatMap(({ header, exact, prefix, version }, index) => {
      const path = ["spec", "matches", index];
      return [
        ...(header === "taskid"
          ? [fault([...path, "header"], "taskid chooses the task already; match another header")]
          : []),
        ...(exact !== undefined && prefix !== undefined
          ? [fault([...path, "prefix"], "stands beside exact: keep one of them")]
          : []),
        ...check(version, [...path, "version"]),
      ];
    }),
    ...(spec.mirror ? check(spec.mirror.version, ["spec", "mirror", "version"]) : []),
  ];
}

/**
 * An Istio Gateway selects pods of every namespace (PILOT_SCOPE_GATEWAY_TO_NAMESPACE is off by default). One
 * that selects the pods of another tenant's gateway would open its hosts there, where the other tenant's
 * credentials are asked for.
 */
function sharedPods(tenants: Loaded<Tenant>[]): Fault[] {
  const gateways = tenants.map((loaded) => ({
    loaded,
    selector: Object.entries(gatewaySelector(loaded.resource)),
    path: ["spec", "gateway", loaded.resource.spec.gateway.selector ? "selector" : "name"],
  }));
  const includes = (labels: [string, string][], some: [string, string][]) =>
    some.every(([key, value]) => labels.some((label) => label[0] === key && label[1] === value));
  return gateways.flatMap(({ loaded, selector, path }, index) => {
    const isOther = (each: Loaded<Tenant>) => gatewayName(each.resource) !== gatewayName(loaded.resource);
    const other = gateways
      .slice(0, index)
      .find(
        (each) =>
          isOther(each.loaded) && (includes(each.selector, selector) || includes(selector, each.selector)),
      );
    if (!other) return [];
    const shown = selector.map(([key, value]) => `${key}=${value}`).join(",");
    return [
      loaded.fault(
        path,
        `${shown} selects the pods of ${place(other.loaded.fault(other.path, ""))} as well, which Istio does across namespaces: give it a name or a selector of its own`,
      ),
    ];
  });
}

/**
 * Two tenants must not answer for one host, by name or by wildcard. The fault stands at the narrower host, or
 * the later.
 */
function overlappingHosts(tenants: Loaded<Tenant>[]): Fault[] {
  const entries = tenants.flatMap((loaded) =>
    loaded.resource.spec.gateway.hosts.map((host, index) => ({
      host,
      loaded,
      path: ["spec", "gateway", "hosts", index],
    })),
  );
  const exact = new Map<string, (typeof entries)[number]>();
  for (const entry of entries) if (!exact.has(entry.host)) exact.set(entry.host, entry);
  const wildcards = [...exact.values()].filter(({ host }) => host.startsWith("*"));
  return entries.flatMap(({ host, loaded, path }) => {
    const same = exact.get(host);
    const other =
      same && same.loaded !== loaded
        ? same
        : wildcards.find((each) => each.loaded !== loaded && each.host !== host && covers(each.host, host));
    if (!other) return [];
    const overlaps = other.host === host ? "is a host of" : `overlaps with ${JSON.stringify(other.host)} of`;
    return [
      loaded.fault(
        path,
        `${JSON.stringify(host)} ${overlaps} ${place(other.loaded.fault(other.path, ""))}: a host has one tenant`,
      ),
    ];
  });
}

function covers(wildcard: string, host: string): boolean {
  return host.replace(/^\*/, "").endsWith(wildcard.slice(1));
}
