import type { ModelTask } from "../../api/model-task.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { namespaceOf } from "../istio/names.ts";
import { orderOf, ownedObjects } from "./owned-objects.ts";
import { type Plan, plan, source, storedResources } from "./plan.ts";

/**
 * A tenant with its tasks and all that was made for it: routes go before what they point to, the gateway's
 * own pods last.
 */
export async function tenantDeletion(client: KubernetesClient, name: string): Promise<Plan> {
  const [owned, stored] = await Promise.all([ownedObjects(client, new Set([name])), storedResources(client)]);
  const resources = [...stored.tasks, ...stored.tenants]
    .map(({ resource }) => resource)
    .filter((each) => (each.kind === "Tenant" ? each.metadata.name === name : each.spec.tenant === name));
  const objects = [...owned.values()].sort((a, b) => orderOf(b) - orderOf(a));
  return { changes: [], obsolete: [...objects, ...resources.map(source)] };
}

/**
 * The task's tenant without the task: its gateway's configuration must not know it any more. Nothing else of
 * the gateway changes: it keeps its image, the form of its routes and the controller that it reports to.
 * @returns an empty plan when there is no such task
 */
export async function taskDeletion(client: KubernetesClient, name: string, namespace: string): Promise<Plan> {
  const { tenants, tasks } = await storedResources(client);
  const isIt = ({ metadata }: ModelTask) => metadata.name === name && namespaceOf(metadata) === namespace;
  const task = tasks.find(({ resource }) => isIt(resource))?.resource;
  if (!task) return { changes: [], obsolete: [] };
  const rest = {
    tenants: tenants.filter(({ resource }) => resource.metadata.name === task.spec.tenant),
    tasks: tasks.filter(({ resource }) => resource.spec.tenant === task.spec.tenant && !isIt(resource)),
  };
  return plan(client, rest, { target: "as it is", controller: "as it is", prune: true });
}
