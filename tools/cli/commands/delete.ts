import { Command, Option } from "commander";
import { applyPlan } from "../../cluster/deploy/apply.ts";
import { taskDeletion, tenantDeletion } from "../../cluster/deploy/deletion.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { resourceName } from "../../lib/kubernetes/manifest.ts";
import { type Kinds, kindArgument } from "../options/kind.ts";

interface DeleteOptions extends ConnectOptions {
  namespace: string;
  dryRun: "none" | "client" | "server";
}

export function deleteCommand(): Command {
  const command = new Command("delete")
    .description("Delete Tenants or ModelTasks and all objects that were made for them")
    .addArgument(kindArgument("what to delete"))
    .argument("<name...>", "names of the objects")
    .option("-n, --namespace <namespace>", "namespace of the ModelTasks", "default")
    .addOption(
      new Option("--dry-run <how>", "only show what would change")
        .choices(["none", "client", "server"])
        .default("none"),
    );
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (kind: Kinds, names: string[], options: DeleteOptions) => {
    const client = await connect(options);
    const dryRun = options.dryRun === "server";
    for (const name of names) {
      const planned =
        kind === "tenants"
          ? await tenantDeletion(client, name)
          : await taskDeletion(client, name, options.namespace);
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
