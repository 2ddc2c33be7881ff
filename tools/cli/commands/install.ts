import { Command, Option } from "commander";
import { waitUntilRolledOut } from "../../cluster/deploy/wait.ts";
import { definitions, install, installation, isWorkload } from "../../cluster/install/install.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import type { Seconds } from "../../lib/units.ts";
import { seconds } from "../options/units.ts";
import { MANIFEST_FORMATS, type ManifestFormat, printed } from "../output/manifests.ts";

interface InstallOptions extends ConnectOptions {
  image?: string;
  collectorImage?: string;
  crdsOnly?: true;
  forceConflicts?: true;
  wait: boolean;
  timeout: Seconds;
  dryRun: "none" | "client" | "server";
  output: ManifestFormat;
}

export function installCommand(): Command {
  const command = new Command("install")
    .description("Install the custom resource definitions, roles, controller and collector in a cluster")
    .option("--image <reference>", "image of the controller and collector: host/name@sha256:...")
    .option("--collector-image <reference>", "image of the collector, if it has one of its own")
    .option("--crds-only", "install only the custom resource definitions")
    .option("--force-conflicts", "overwrite fields owned by others, such as kubectl apply -k")
    .option("--no-wait", "do not wait until controller and collector are ready")
    .option("--timeout <seconds>", "longest time to wait", seconds, 300)
    .addOption(
      new Option("--dry-run <how>", "only show what would change; client prints the objects")
        .choices(["none", "client", "server"])
        .default("none"),
    )
    .addOption(
      new Option("-o, --output <format>", "format of the objects that --dry-run client prints")
        .choices(MANIFEST_FORMATS)
        .default("yaml"),
    );
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: InstallOptions) => {
    const objects = await chosen(options);
    if (options.dryRun === "client") {
      process.stdout.write(printed(objects, options.output));
      return;
    }
    const dryRun = options.dryRun === "server";
    const client = await connect(options);
    await install(client, objects, {
      dryRun,
      forceConflicts: options.forceConflicts ?? false,
      onDone: (object) => console.log(`${resourceName(object)} applied${dryRun ? " (server dry run)" : ""}`),
    });
    const workloads = objects.filter(({ kind }) => isWorkload(kind));
    if (dryRun || !options.wait || workloads.length === 0) return;
    await waitUntilRolledOut(client, workloads, options.timeout, (line) => console.error(line));
    console.log("controller and collector are ready");
  });
}

async function chosen({ image, collectorImage = image, crdsOnly }: InstallOptions): Promise<Manifest[]> {
  if (crdsOnly) return definitions();
  if (image === undefined || collectorImage === undefined)
    throw new Error("name the image of controller and collector with --image, or install --crds-only");
  return installation({ controller: image, collector: collectorImage });
}
