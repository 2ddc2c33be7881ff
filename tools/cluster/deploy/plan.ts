import { byKind, crossFaults, type Resources } from "../../api/cross-check.ts";
import { type Fault, InvalidResources } from "../../api/fault.ts";
import { API_VERSION } from "../../api/fields.ts";
import { KINDS } from "../../api/kinds.ts";
import { faultsInCluster, fromCluster, type Loaded } from "../../api/load.ts";
import type { ModelTask } from "../../api/model-task.ts";
import { gatewayName, type Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { parseReference, type Reference } from "../../lib/oci/reference.ts";
import { SEALING_ANNOTATION } from "../istio/gateway-workload.ts";
import { namespaceOf, TENANT_LABEL, tenantOf } from "../istio/names.ts";
import { type ControllerAddress, tokenSecrets } from "../istio/rate-limit-config.ts";
import { pluginName, renderAll, type Target } from "../istio/render.ts";
import { checkWithFilter } from "../oracle/filter-faults.ts";
import { keyOf, orderOf, ownedObjects } from "./owned-objects.ts";
import { newSealingKeys } from "./sealing-keys.ts";
import { requireSecrets, secretsOfCluster } from "./secrets.ts";
import { RENDERED, stamped } from "./unchanged.ts";

/** Whatever the gateway has in the cluster. */
const AS_IT_IS = "as it is";

interface PlanOptions {
  /** Image for gateways that have none yet, or instead of theirs. */
  image?: Reference | undefined;
  target: Target | typeof AS_IT_IS;
  controller?: ControllerAddress | typeof AS_IT_IS | undefined;
  /** What the files do not hold any more goes, for the tenants that they name. */
  prune: boolean;
}

export interface Change {
  desired: Manifest;
  /** As the cluster has it. */
  live?: Manifest;
}

export interface Plan {
  /** Secrets with keys to seal with, to be made before all else. */
  keys?: Manifest[];
  /** In the order in which they are to be applied. */
  changes: Change[];
  /** Owned objects that are not wanted any more, in the order in which they are to be deleted. */
  obsolete: Manifest[];
}

/**
 * What the cluster should hold for the tenants of the files, beside what it holds. Resources that the cluster
 * has and the files do not are taken along, so that one file of a tenant is enough; with `prune` those of
 * these tenants go instead.
 * @throws InvalidResources for faults of and between all these resources
 */
export async function plan(client: KubernetesClient, files: Resources, options: PlanOptions): Promise<Plan> {
  const touched = new Set([
    ...files.tenants.map(({ resource }) => resource.metadata.name),
    ...files.tasks.map(({ resource }) => resource.spec.tenant),
  ]);
  const [stored, owned] = await Promise.all([storedResources(client), ownedObjects(client, touched)]);
  const tenants = [
    ...files.tenants,
    ...without(stored.tenants, files.tenants, ({ metadata }) => metadata.name),
  ];
  const others = without(stored.tasks, files.tasks, taskKey);
  const kept = options.prune ? others.filter(({ resource }) => !touched.has(resource.spec.tenant)) : others;
  const tasks = [...files.tasks, ...kept];
  const faults = [...unsound(stored, files, touched), ...crossFaults({ tenants, tasks })];
  if (faults.length > 0) throw new InvalidResources(faults);

  const controller = options.controller === AS_IT_IS ? undefined : options.controller;
  const touchedTenants = tenants.filter(({ resource }) => touched.has(resource.metadata.name));
  const ofTouched = touchedTenants.map(({ resource }) => resource);
  const allTasks = tasks.map(({ resource }) => resource);
  const held = await secretsOfCluster(client, ofTouched, allTasks, tokenSecrets(controller));
  const keys = newSealingKeys(ofTouched, allTasks, held, controller);
  const secrets = requireSecrets(touchedTenants, tasks, held, "apply it to the cluster first", controller);
  checkWithFilter({ tenants: touchedTenants, tasks }, secrets);
  const images = liveImages(ofTouched, owned);
  const rendered = renderAll(ofTouched, allTasks, {
    target: options.target === AS_IT_IS ? liveTarget(owned) : options.target,
    controller,
    secrets,
    image: (gateway) => options.image ?? images.get(gateway),
  });
  const wanted = options.controller === AS_IT_IS ? withLiveControllers(rendered, owned) : rendered;
  const objects = planObjects(wanted, owned);
  const storedKinds = new Map(stored.objects.map((object) => [keyOf(object), object]));
  const sources = stored.installed
    ? [...files.tenants, ...files.tasks].map(({ resource }) => source(resource))
    : [];
  const desired = [...sources.map((object) => change(object, storedKinds)), ...objects.changes];
  const goneTasks = options.prune
    ? others
        .filter(({ resource }) => touched.has(resource.spec.tenant))
        .map(({ resource }) => source(resource))
    : [];
  return { keys, changes: desired, obsolete: [...(options.prune ? objects.obsolete : []), ...goneTasks] };
}

/**
 * What makes the owned objects the rendered ones: the changes in the order of kinds, what is obsolete the
 * other way.
 */
export function planObjects(rendered: Manifest[], owned: Map<string, Manifest>): Plan {
  const changes = rendered
    .map((object) => change(object, owned))
    .sort((a, b) => orderOf(a.desired) - orderOf(b.desired));
  const wanted = new Set(changes.map(({ desired }) => keyOf(desired)));
  const obsolete = [...owned.values()]
    .filter((object) => !wanted.has(keyOf(object)))
    .sort((a, b) => orderOf(b) - orderOf(a));
  return { changes, obsolete };
}

/**
 * Faults of what the cluster has for the touched tenants and the schema refuses, such as after an upgrade:
 * without it gateways would lose limits and routes unasked.
 */
function unsound({ faulty }: StoredResources, files: Resources, touched: Set<string>): Fault[] {
  const given = new Set([...files.tenants, ...files.tasks].map(({ resource }) => keyOf(source(resource))));
  return faulty
    .filter((object) => touched.has(tenantOf(object)) && !given.has(keyOf(object)))
    .flatMap(faultsInCluster);
}

interface StoredResources extends Resources {
  /** Whether the cluster has the custom resource definitions. */
  installed: boolean;
  objects: Manifest[];
  /** Those that do not pass the schema. */
  faulty: Manifest[];
}

/** The Tenants and ModelTasks of the cluster. */
export async function storedResources(client: KubernetesClient): Promise<StoredResources> {
  const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
  const installed = await client.knows(API_VERSION, "Tenant");
  const objects = installed
    ? (await Promise.all(kinds.map((kind) => client.list(API_VERSION, kind)))).flat()
    : [];
  const loaded = objects.map(fromCluster);
  const faulty = objects.filter((_, index) => loaded[index] === undefined);
  return { ...byKind(loaded.filter((each) => each !== undefined)), installed, objects, faulty };
}

/**
 * The custom resource itself, as it is stored beside what it renders to: the same from a file and from the
 * cluster.
 */
export function source({ status: _, ...resource }: Tenant | ModelTask): Manifest {
  const { name, namespace, labels } = resource.metadata;
  const { [RENDERED]: _stamp, ...annotations } = resource.metadata.annotations ?? {};
  const scope = resource.kind === "ModelTask" ? { namespace: namespaceOf({ name, namespace }) } : {};
  const tenant = resource.kind === "ModelTask" ? resource.spec.tenant : name;
  return {
    ...resource,
    metadata: {
      name,
      ...scope,
      labels: { ...labels, [TENANT_LABEL]: tenant },
      ...(Object.keys(annotations).length > 0 && { annotations }),
    },
  };
}

function change(object: Manifest, live: Map<string, Manifest>): Change {
  const existing = live.get(keyOf(object));
  return { desired: stamped(object), ...(existing && { live: existing }) };
}

function without<R extends Tenant | ModelTask>(
  all: Loaded<R>[],
  some: Loaded<R>[],
  key: (resource: R) => string,
): Loaded<R>[] {
  const keys = new Set(some.map(({ resource }) => key(resource)));
  return all.filter(({ resource }) => !keys.has(key(resource)));
}

function taskKey({ metadata }: ModelTask): string {
  return `${namespaceOf(metadata)}/${metadata.name}`;
}

/** What gateways run today, by `namespace/name`. */
export function liveImages(tenants: Tenant[], owned: Map<string, Manifest>): Map<string, Reference> {
  const images = new Map<string, Reference>();
  for (const tenant of tenants) {
    const metadata = { name: pluginName(tenant), namespace: tenant.spec.gateway.namespace };
    const plugin = owned.get(
      keyOf({ apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata }),
    );
    const url = (plugin?.spec as { url?: string } | undefined)?.url;
    if (url) images.set(gatewayName(tenant), parseReference(url));
  }
  return images;
}

function liveTarget(owned: Map<string, Manifest>): Target {
  const kinds = new Set([...owned.values()].map(({ kind }) => kind));
  if (kinds.has("HTTPRoute")) return "gateway-api";
  return kinds.has("GRPCRoute") ? "gateway-api-grpc" : "istio";
}

/** The rendered objects with the controllers that the gateways report to today. */
function withLiveControllers(rendered: Manifest[], owned: Map<string, Manifest>): Manifest[] {
  return rendered.map((object) => {
    if (object.kind === "Deployment") return withLiveSealing(object, owned.get(keyOf(object)));
    if (object.kind !== "WasmPlugin") return object;
    const live = (owned.get(keyOf(object)) as PluginWithLimits | undefined)?.spec.pluginConfig?.rateLimit;
    if (live?.controller === undefined) return object;
    const plugin = structuredClone(object) as PluginWithLimits;
    Object.assign(plugin.spec.pluginConfig?.rateLimit ?? {}, { controller: live.controller });
    return plugin;
  });
}

/** Which secrets are sealed follows from the controller as well: no pod starts anew for not knowing it. */
function withLiveSealing(object: Manifest, live: Manifest | undefined): Manifest {
  const key = (live as PodOwner | undefined)?.spec.template.metadata.annotations?.[SEALING_ANNOTATION];
  if (key === undefined) return object;
  const deployment = structuredClone(object) as PodOwner;
  const { metadata } = deployment.spec.template;
  metadata.annotations = { ...metadata.annotations, [SEALING_ANNOTATION]: key };
  return deployment;
}

interface PodOwner extends Manifest {
  spec: { template: { metadata: { annotations?: Record<string, string> } } };
}

interface PluginWithLimits extends Manifest {
  spec: { pluginConfig?: { rateLimit?: { controller?: object } } };
}
