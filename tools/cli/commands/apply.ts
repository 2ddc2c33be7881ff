import { Command, Option } from "commander";
import { applyPlan, type Outcome } from "../../cluster/deploy/apply.ts";
import { withoutSecrets } from "../../cluster/deploy/comparable.ts";
import { checkConverters } from "../../cluster/deploy/converter-versions.ts";
import { createNamespaces, missingNamespaces } from "../../cluster/deploy/namespaces.ts";
import { waitUntilServing } from "../../cluster/deploy/wait.ts";
import { connectOptions } from "../../lib/kubernetes/connect.ts";
import { resourceName } from "../../lib/kubernetes/manifest.ts";
import { Progress } from "../../lib/terminal/terminal-progress.ts";
import type { Seconds } from "../../lib/units.ts";
import { type PlanOptions, planOf, withPlanOptions } from "../options/plan.ts";
import { seconds } from "../options/units.ts";
import { MANIFEST_FORMATS, type ManifestFormat, printed } from "../output/manifests.ts";

interface ApplyCommandOptions extends PlanOptions {
  dryRun: "none" | "client" | "server";
  wait?: true;
  timeout: Seconds;
  output?: ManifestFormat;
}

export function applyCommand(): Command {
  const command = withPlanOptions(
    new Command("apply").description("Apply Tenants and ModelTasks to a cluster"),
  )
    .option("--prune", "delete objects of these Tenants that are no longer in the files")
    .option("--force-conflicts", "overwrite fields owned by others")
    .option("--create-namespaces", "create missing namespaces")
    .addOption(
      new Option("--dry-run <how>", "only show what would change")
        .choices(["none", "client", "server"])
        .default("none"),
    )
    .option("--wait", "wait until the gateways are ready and run the filter")
    .option("--timeout <seconds>", "longest time to wait", seconds, 300)
    .addOption(
      new Option(
        "-o, --output <format>",
        "print the objects instead of the results; secrets are shown as digests",
      ).choices(MANIFEST_FORMATS),
    );
  for (const option of connectOptions()) command.addOption(option);
  return command.action(apply);
}

async function apply(options: ApplyCommandOptions): Promise<void> {
  const { files, client, planned } = await planOf(options);
  const objects = planned.changes.map(({ desired }) => withoutSecrets(desired));
  if (options.output) process.stdout.write(printed(objects, options.output));
  const say = (line: string) => (options.output ? console.error(line) : console.log(line));
  if (options.dryRun === "client") {
    if (!options.output) for (const object of objects) say(`${resourceName(object)} (dry run)`);
    return;
  }
  for (const line of await checkConverters(files, planned)) console.error(line);
  const dryRun = options.dryRun === "server";
  const suffix = dryRun ? " (server dry run)" : "";
  const missing = await missingNamespaces(client, planned, options.createNamespaces ?? false);
  if (!dryRun) await createNamespaces(client, missing);
  for (const name of missing) say(`Namespace ${name} created${suffix}`);

  const counts: Record<Outcome, number> = { created: 0, configured: 0, unchanged: 0, deleted: 0 };
  const total = (planned.keys?.length ?? 0) + planned.changes.length + planned.obsolete.length;
  const progress = new Progress("applied", total);
  const interrupted = () => {
    progress.end();
    const done = Object.values(counts).reduce((sum, count) => sum + count, 0);
    console.error(`interrupted after ${done} of ${total} objects: the same command goes on from there`);
  };
  process.once("exit", interrupted);
  await applyPlan(client, planned, {
    dryRun,
    uncheckable: dryRun ? missing : [],
    forceConflicts: options.forceConflicts ?? false,
    wait: { timeoutSeconds: options.timeout, onWait: (line) => console.error(line) },
    onDone: (object, outcome) => {
      counts[outcome]++;
      progress.step();
      if (outcome === "unchanged") return;
      progress.end();
      say(`${resourceName(object)} ${outcome}${suffix}`);
    },
  }).finally(() => {
    process.off("exit", interrupted);
    progress.end();
  });
  const summary = Object.entries(counts).filter(([, count]) => count > 0);
  say(summary.map(([outcome, count]) => `${count} ${outcome}`).join(", ") + suffix);
  if (!options.wait || dryRun) return;
  const tenants = files.tenants.map(({ resource }) => resource);
  await waitUntilServing(client, planned, tenants, options.timeout, (line) => console.error(line));
  say("every gateway serves");
}
