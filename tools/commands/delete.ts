import { Command, Option } from "commander";
import { applyPlan } from "../deploy/apply.ts";
import { orderOf, ownedObjects } from "../deploy/owned-objects.ts";
import { type Plan, plan, source, storedResources } from "../deploy/plan.ts";
import { namespaceOf } from "../istio/names.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { type ConnectOptions, connect, connectOptions } from "../kubernetes/connect.ts";
import { resourceName } from "../kubernetes/manifest.ts";
import type { ModelTask } from "../resources/model-task.ts";
import { type Kinds, kindArgument } from "./get.ts";

interface DeleteOptions extends ConnectOptions {
  namespace: string;
  dryRun: "none" | "client" | "server";
}

export function deleteCommand(): Command {
  const command = new Command("delete")
    .description("delete Tenants or ModelTasks with all that was made for them")
    .addArgument(kindArgument("what to delete"))
    .argument("<name...>", "names")
    .option("-n, --namespace <namespace>", "namespace of the ModelTasks", "default")
    .addOption(
      new Option("--dry-run <how>", "change nothing").choices(["none", "client", "server"]).default("none"),
    );
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (kind: Kinds, names: string[], options: DeleteOptions) => {
    const client = await connect(options);
    const dryRun = options.dryRun === "server";
    for (const name of names) {
      const planned =
        kind === "tenants" ? await tenantPlan(client, name) : await taskPlan(client, name, options.namespace);
      if (planned.obsolete.length === 0)
        throw new Error(`there is no ${JSON.stringify(name)} among the ${kind}`);
      if (options.dryRun === "client") {
        for (const object of planned.obsolete) console.log(`${resourceName(object)} deleted (dry run)`);
        continue;
      }
      await applyPlan(client, planned, {
        dryRun,
        onDone: (object, outcome) => {
          if (outcome !== "unchanged")
            console.log(`${resourceName(object)} ${outcome}${dryRun ? " (server dry run)" : ""}`);
        },
      });
    }
  });
}

/** Routes go before what they point to, the gateway's own pods last. */
async function tenantPlan(client: KubernetesClient, name: string): Promise<Plan> {
  const [owned, stored] = await Promise.all([ownedObjects(client, new Set([name])), storedResources(client)]);
  const resources = [...stored.tasks, ...stored.tenants]
    .map(({ resource }) => resource)
    .filter((each) => (each.kind === "Tenant" ? each.metadata.name === name : each.spec.tenant === name));
  const objects = [...owned.values()].sort((a, b) => orderOf(b) - orderOf(a));
  return { changes: [], obsolete: [...objects, ...resources.map(source)] };
}

/** The task's tenant without the task: its gateway's configuration must not know it any more. */
async function taskPlan(client: KubernetesClient, name: string, namespace: string): Promise<Plan> {
  const { tenants, tasks } = await storedResources(client);
  const isIt = ({ metadata }: ModelTask) => metadata.name === name && namespaceOf(metadata) === namespace;
  const task = tasks.find(({ resource }) => isIt(resource))?.resource;
  if (!task) return { changes: [], obsolete: [] };
  const rest = {
    tenants: tenants.filter(({ resource }) => resource.metadata.name === task.spec.tenant),
    tasks: tasks.filter(({ resource }) => resource.spec.tenant === task.spec.tenant && !isIt(resource)),
  };
  return plan(client, rest, { target: "istio", prune: true });
}
