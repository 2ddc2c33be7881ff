import { Command, Option } from "commander";
import type { Tenant } from "../../api/tenant.ts";
import { storedResources } from "../../cluster/deploy/plan.ts";
import type { Run } from "../../cluster/rollout/running.ts";
import { RolloutStore } from "../../cluster/rollout/state.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { readUnchecked } from "./resource-files.ts";

export interface GatewayOptions extends ConnectOptions {
  gateway: string;
  namespace?: string;
  filename?: string[];
}

/** What commands of a rollout work with. */
export type Gateway = Omit<Run, "rollout" | "signal">;

/** A subcommand that works on the rollout of one gateway, which it finds by name. */
export function gatewayCommand<O extends GatewayOptions>(
  name: string,
  description: string,
  action: (gateway: Gateway, options: O) => Promise<void>,
): Command {
  const command = new Command(name)
    .description(description)
    .requiredOption("--gateway <namespace/name>", "the gateway; the name is enough if it is unique")
    .option("-n, --namespace <namespace>", "namespace of the gateway")
    .addOption(new Option("-f, --filename <path...>", "read Tenants from files instead of the cluster"));
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: O) => {
    const client = await connect(options);
    const resources = options.filename ? await readUnchecked(options) : await storedResources(client);
    const tenant = find(
      resources.tenants.map(({ resource }) => resource),
      options.namespace === undefined ? options.gateway : `${options.namespace}/${options.gateway}`,
    );
    const store = new RolloutStore(client, tenant);
    await action({ client, tenant, store, say: (line) => console.log(line) }, options);
  });
}

function find(tenants: Tenant[], gateway: string): Tenant {
  const named = tenants.filter(
    ({
      spec: {
        gateway: { name, namespace },
      },
    }) => gateway === name || gateway === `${namespace}/${name}`,
  );
  const [tenant] = named;
  if (!tenant) {
    const known = tenants.map(({ spec }) => `${spec.gateway.namespace}/${spec.gateway.name}`);
    throw new Error(
      `no Tenant has the gateway ${JSON.stringify(gateway)} (there are ${known.join(", ") || "none"})`,
    );
  }
  if (named.length > 1)
    throw new Error(`several gateways are called ${JSON.stringify(gateway)}: say namespace/name`);
  return tenant;
}
