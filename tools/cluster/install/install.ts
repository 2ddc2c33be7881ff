import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { API_VERSION } from "../../api/fields.ts";
import { KINDS } from "../../api/kinds.ts";
import { PROJECT_ROOT } from "../../lib/installation.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { explain } from "../deploy/apply.ts";
import { FINALIZER, finalizersOf, setFinalizers } from "../deploy/finalizer.ts";
import { readKustomization } from "./read-kustomization.ts";

const FIELD_MANAGER = "modelgate-install";
const TIMEOUT_MS = 60_000;
const DEFINITION = "CustomResourceDefinition";

/** References of images. */
interface Images {
  controller: string;
  collector: string;
}

/** All that Modelgate needs in a cluster once. */
export async function installation(images: Images): Promise<Manifest[]> {
  const objects = await readKustomization(fileURLToPath(new URL("manifests", PROJECT_ROOT)));
  return objects.map((object) => withImage(object, images));
}

/** Only the custom resource definitions. */
export function definitions(): Promise<Manifest[]> {
  return readKustomization(fileURLToPath(new URL("manifests/crds", PROJECT_ROOT)));
}

const WORKLOADS: Record<string, keyof Images> = { Deployment: "controller", StatefulSet: "collector" };

/** Whether objects of a kind are the controller's or the collector's pods. */
export function isWorkload(kind: string): boolean {
  return kind in WORKLOADS;
}

interface Workload extends Manifest {
  spec: { template: { spec: { containers: { image: string }[] } } };
}

function withImage(object: Manifest, images: Images): Manifest {
  const part = WORKLOADS[object.kind];
  if (part === undefined) return object;
  const workload = structuredClone(object) as Workload;
  for (const container of workload.spec.template.spec.containers) container.image = images[part];
  return workload;
}

/**
 * Applies the objects and waits until the API server serves the custom resources.
 * @throws Error that names the object
 */
export async function install(
  client: KubernetesClient,
  objects: Manifest[],
  options: { dryRun?: boolean; forceConflicts?: boolean; onDone: (object: Manifest) => void },
): Promise<void> {
  const { dryRun = false, forceConflicts: force = false, onDone } = options;
  const namespaces = new Set(
    objects.filter(({ kind }) => kind === "Namespace").map(({ metadata }) => metadata.name),
  );
  for (const object of objects) {
    // A dry run makes no namespace that the others could be checked in.
    if (
      dryRun &&
      namespaces.has(object.metadata.namespace ?? "") &&
      !(await isThere(client, object.metadata.namespace ?? ""))
    )
      continue;
    try {
      await client.apply(object, { fieldManager: FIELD_MANAGER, dryRun, force });
    } catch (error) {
      throw new Error(explain(object, error));
    }
    onDone(object);
  }
  if (dryRun) return;
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await sleep(200)) {
    const served = await Promise.all(Object.keys(KINDS).map((kind) => client.knows(API_VERSION, kind)));
    if (served.every(Boolean)) return;
  }
  throw new Error(`the API server does not serve ${API_VERSION} after ${TIMEOUT_MS / 1000} s`);
}

async function isThere(client: KubernetesClient, namespace: string): Promise<boolean> {
  return (await client.list("v1", "Namespace")).some(({ metadata }) => metadata.name === namespace);
}

/**
 * Lets Tenants be deleted without the controller, which would tidy up after them. Gateways keep what they
 * have.
 */
export async function releaseTenants(client: KubernetesClient): Promise<void> {
  for (const tenant of await client.list(API_VERSION, "Tenant")) {
    const finalizers = finalizersOf(tenant);
    if (finalizers.includes(FINALIZER))
      await setFinalizers(
        client,
        tenant,
        finalizers.filter((each) => each !== FINALIZER),
      );
  }
}

interface UninstallOptions {
  withDefinitions: boolean;
  onDone: (object: Manifest) => void;
  /** A namespace stays because of these volumes. */
  onKept: (namespace: Manifest, volumes: string[]) => void;
}

/**
 * Deletes the objects, the last first. The custom resource definitions take every Tenant and ModelTask with
 * them, so they stay unless `withDefinitions`; a namespace takes its volumes with it, so it stays as long as
 * it holds one.
 */
export async function uninstall(
  client: KubernetesClient,
  objects: Manifest[],
  { withDefinitions, onDone, onKept }: UninstallOptions,
): Promise<void> {
  for (const object of objects.toReversed()) {
    if (object.kind === DEFINITION && !withDefinitions) continue;
    try {
      const volumes = object.kind === "Namespace" ? await volumesIn(client, object.metadata.name) : [];
      if (volumes.length > 0) {
        onKept(object, volumes);
        continue;
      }
      if (await client.delete(object)) onDone(object);
    } catch (error) {
      throw new Error(`${resourceName(object)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

/** Names of the claims in a namespace that are not being deleted. */
async function volumesIn(client: KubernetesClient, namespace: string): Promise<string[]> {
  const claims = await client.list("v1", "PersistentVolumeClaim", { namespace });
  return claims
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
}
