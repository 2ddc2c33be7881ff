import { Command, Option } from "commander";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { storedResources } from "../../cluster/deploy/plan.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { table } from "../../lib/terminal/table.ts";
import type { Seconds } from "../../lib/units.ts";
import { type Kinds, kindArgument } from "../options/kind.ts";
import { seconds } from "../options/units.ts";
import { MANIFEST_FORMATS, type ManifestFormat, printed } from "../output/manifests.ts";

interface GetOptions extends ConnectOptions {
  namespace?: string;
  output?: ManifestFormat | "wide";
  timeout?: Seconds;
}

export function getCommand(): Command {
  const command = new Command("get")
    .description("List the Tenants or ModelTasks of a cluster")
    .addArgument(kindArgument("what to list"))
    .argument("[name]", "name of the object")
    .option("-n, --namespace <namespace>", "only ModelTasks of this namespace (default: all)")
    .addOption(new Option("-o, --output <format>", "output format").choices([...MANIFEST_FORMATS, "wide"]));
  command.option(
    "--timeout <seconds>",
    "longest time to wait for the cluster (default: as long as it takes)",
    seconds,
  );
  for (const option of connectOptions()) command.addOption(option);
  return command.action(get);
}

async function get(kind: Kinds, name: string | undefined, options: GetOptions): Promise<void> {
  if (options.timeout !== undefined) endAfter(options.timeout);
  const client = await connect(options);
  const stored = await storedResources(client);
  if (!stored.installed)
    throw new Error("the cluster has no custom resources of Modelgate: run modelgate install");
  const wanted = ({ metadata }: { metadata: { name: string; namespace?: string | undefined } }) =>
    (name === undefined || metadata.name === name) &&
    (options.namespace === undefined || kind === "tenants" || metadata.namespace === options.namespace);
  if (options.output && options.output !== "wide") {
    const kindName = kind === "tenants" ? "Tenant" : "ModelTask";
    const objects = stored.objects
      .filter((object) => object.kind === kindName && wanted(object))
      .map(withoutManagedFields);
    require(objects, kind, name);
    process.stdout.write(printed(objects, options.output));
    return;
  }
  const wide = options.output === "wide";
  if (kind === "tenants") {
    const tenants = stored.tenants.map(({ resource }) => resource).filter(wanted);
    require(tenants, kind, name);
    const tasksOf = (tenant: Tenant) =>
      stored.tasks.filter(({ resource }) => resource.spec.tenant === tenant.metadata.name).length;
    const headings = ["name", "gateway", "namespaces", "tasks", ...(wide ? ["hosts", "credentials"] : [])];
    process.stdout.write(
      table(
        headings,
        tenants.map((tenant) => tenantRow(tenant, tasksOf(tenant), wide)),
      ),
    );
  } else {
    const tasks = stored.tasks.map(({ resource }) => resource).filter(wanted);
    require(tasks, kind, name);
    const headings = [
      "namespace",
      "name",
      "taskid",
      "tenant",
      "versions",
      ...(wide ? ["service", "limit", "timeout"] : []),
    ];
    process.stdout.write(
      table(
        headings,
        tasks.map((task) => taskRow(task, wide)),
      ),
    );
  }
}

/** What is silent, such as a server or a kubeconfig's plug-in, may not hold the command. */
function endAfter(timeout: Seconds): void {
  const end = () => {
    console.error(`modelgate: the cluster did not answer within ${timeout} s`);
    process.exit(1);
  };
  setTimeout(end, timeout * 1_000).unref();
}

function require(found: unknown[], kind: string, name: string | undefined): void {
  if (found.length > 0) return;
  if (name !== undefined) throw new Error(`there is no ${JSON.stringify(name)} among the ${kind}`);
  console.error(`there are no ${kind}`);
}

function tenantRow({ metadata, spec }: Tenant, tasks: number, wide: boolean): string[] {
  const { gateway, namespaces, credentials } = spec;
  return [
    metadata.name,
    `${gateway.namespace}/${gateway.name}`,
    namespaces.join(","),
    String(tasks),
    ...(wide ? [gateway.hosts.join(","), String(credentials.length)] : []),
  ];
}

function taskRow({ metadata, spec }: ModelTask, wide: boolean): string[] {
  const versions = spec.versions.map(({ name, weight }) =>
    weight === undefined ? name : `${name}=${weight}%`,
  );
  const { requestsPerSecond, perReplica } = spec.limits ?? {};
  const limit =
    requestsPerSecond !== undefined
      ? `${requestsPerSecond}/s`
      : perReplica !== undefined
        ? `${perReplica}/s/replica`
        : "none";
  return [
    metadata.namespace ?? "default",
    metadata.name,
    spec.taskid,
    spec.tenant,
    versions.join(",") || "-",
    ...(wide ? [`${spec.service.name}:${spec.service.port}`, limit, spec.timeout] : []),
  ];
}

function withoutManagedFields({
  metadata: { managedFields: _, ...metadata },
  ...object
}: Manifest): Manifest {
  return { ...object, metadata } as Manifest;
}
