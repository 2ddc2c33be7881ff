import { Command } from "commander";
import { storedResources } from "../../cluster/deploy/plan.ts";
import { installation, releaseTenants, uninstall } from "../../cluster/install/install.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { resourceName } from "../../lib/kubernetes/manifest.ts";

interface UninstallOptions extends ConnectOptions {
  crds?: true;
}

export function uninstallCommand(): Command {
  const command = new Command("uninstall")
    .description(
      "Remove the controller, collector and roles from a cluster. Gateways and the collector's volume stay",
    )
    .option("--crds", "also remove the custom resource definitions, if no Tenant is left");
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: UninstallOptions) => {
    const client = await connect(options);
    // Also those that do not pass the schema.
    const { objects } = await storedResources(client);
    const left = objects.filter(({ kind }) => kind === "Tenant").map(({ metadata }) => metadata.name);
    if (options.crds && left.length > 0)
      throw new Error(`there are Tenants left (${left.join(", ")}): modelgate delete tenant them first`);
    await uninstall(
      client,
      await installation({ controller: "modelgate", collector: "modelgate-collector" }),
      {
        withDefinitions: options.crds ?? false,
        onDone: (object) => console.log(`${resourceName(object)} deleted`),
        onKept: (namespace, volumes) =>
          console.log(`${resourceName(namespace)} stays: it holds the volume ${volumes.join(", ")}`),
      },
    );
    await releaseTenants(client);
  });
}
