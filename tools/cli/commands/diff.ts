import { Command } from "commander";
import { diffPlan } from "../../cluster/deploy/diff.ts";
import { missingNamespaces } from "../../cluster/deploy/namespaces.ts";
import { connectOptions } from "../../lib/kubernetes/connect.ts";
import { resourceName } from "../../lib/kubernetes/manifest.ts";
import { type PlanOptions, planOf, withPlanOptions } from "../options/plan.ts";
import { answering } from "../output/answer.ts";

export function diffCommand(): Command {
  const command = withPlanOptions(
    new Command("diff").description(
      "Show what apply would change, by a dry run on the server. Exit codes: 0 no change, 1 changes, 2 error",
    ),
  )
    .option("--prune", "include what apply --prune would delete")
    .option("--create-namespaces", "assume that missing namespaces are created")
    .option("--force-conflicts", "assume that fields owned by others are overwritten");
  for (const option of connectOptions()) command.addOption(option);
  return answering(command, same);
}

/** @returns whether nothing differs */
async function same(options: PlanOptions): Promise<boolean> {
  const { client, planned } = await planOf(options);
  const missing = await missingNamespaces(client, planned, options.createNamespaces ?? false);
  for (const name of missing) console.log(`Namespace ${name} would be made`);
  for (const key of planned.keys ?? []) console.log(`${resourceName(key)} would be made`);
  const { patches, failures } = await diffPlan(client, planned, {
    forceConflicts: options.forceConflicts ?? false,
    uncheckable: missing,
  });
  for (const patch of patches) process.stdout.write(patch);
  if (failures.length > 0) throw new Error(`the server would refuse:\n  ${failures.join("\n  ")}`);
  const made = missing.length + (planned.keys ?? []).length;
  return patches.length === 0 && made === 0;
}
