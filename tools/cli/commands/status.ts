import { Command, Option } from "commander";
import type { Tenant } from "../../api/tenant.ts";
import { storedResources } from "../../cluster/deploy/plan.ts";
import { gatewayStatus, isInSync, type PodStatus, tellsItsVersion } from "../../cluster/deploy/status.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import type { RegistryOptions } from "../../lib/oci/registry-client.ts";
import { table } from "../../lib/terminal/table.ts";
import { versionOf } from "../../lib/wasm/version.ts";
import { readUnchecked } from "../options/resource-files.ts";
import { answering } from "../output/answer.ts";
import { type Structured, structured } from "../output/structured.ts";

interface StatusOptions extends ConnectOptions {
  filename?: string[];
  namespace?: string;
  output?: Structured | "wide" | "name";
  pull?: true;
  plainHttp?: true;
}

export function statusCommand(): Command {
  const command = new Command("status")
    .description(
      "Check that each gateway pod runs the filter that it should. Exit codes: 0 yes, 1 no, 2 error",
    )
    .argument("[tenant...]", "only these tenants (default: all)")
    .option("-f, --filename <path...>", "read Tenants from files instead of the cluster")
    .option("-n, --namespace <namespace>", "only gateways of this namespace (default: all)")
    .addOption(new Option("-o, --output <format>", "output format").choices(["yaml", "json", "wide", "name"]))
    .option("--pull", "pull the images, and compare their version with the running filter's")
    .option("--plain-http", "use HTTP for a registry that is not on this machine");
  for (const option of connectOptions()) command.addOption(option);
  return answering(command, async (names: string[], options: StatusOptions) => {
    const client = await connect(options);
    const resources = options.filename ? await readUnchecked(options) : await storedResources(client);
    const tenants = resources.tenants.map(({ resource }) => resource);
    const unknown = names.find((name) => !tenants.some(({ metadata }) => metadata.name === name));
    if (unknown !== undefined) throw new Error(`there is no Tenant ${JSON.stringify(unknown)}`);
    const { namespace } = options;
    const chosen = tenants.filter(
      ({ metadata, spec }) =>
        (names.length === 0 || names.includes(metadata.name)) &&
        (namespace === undefined || spec.gateway.namespace === namespace),
    );
    const versionIn = options.pull && versionsOfImages({ plainHttp: options.plainHttp ?? false });
    const statuses = await gatewayStatus(client, chosen, versionIn);
    process.stdout.write(shown(statuses, options.output));
    if (chosen.length === 0) console.error("there are no Tenants here, and so no gateways to check");
    return [...statuses.values()].every((pods) => pods.length > 0 && pods.every(isInSync));
  });
}

/** Pulls each image once. */
function versionsOfImages(options: RegistryOptions): (image: string) => Promise<string | undefined> {
  const versions = new Map<string, Promise<string | undefined>>();
  return (image) => {
    let version = versions.get(image);
    if (!version) {
      version = pullModule(parseReference(image), options).then(versionOf);
      versions.set(image, version);
    }
    return version;
  };
}

function shown(statuses: Map<Tenant, PodStatus[]>, format: StatusOptions["output"]): string {
  if (format === "name")
    return [...statuses.values()]
      .flat()
      .map(({ name }) => `pod/${name}\n`)
      .join("");
  if (format === "json" || format === "yaml") return structured(asObject(statuses), format);
  return asTable(statuses, format === "wide");
}

function asTable(statuses: Map<Tenant, PodStatus[]>, wide: boolean): string {
  const short = (digest: string | undefined) => (wide ? digest : digest?.slice(7, 19)) ?? "-";
  const rows = [...statuses].flatMap(([tenant, pods]) =>
    pods.length === 0
      ? [[tenant.metadata.name, "-", "-", "-", "-", "-", "no pods"]]
      : pods.map((pod) => [
          tenant.metadata.name,
          `${pod.namespace}/${pod.name}`,
          pod.slice || "-",
          short(pod.wanted),
          short(pod.running),
          pod.versions.join(", ") || "-",
          stateOf(pod),
        ]),
  );
  return table(["tenant", "pod", "slice", "wanted", "running", "version", "state"], rows);
}

function stateOf(pod: PodStatus): string {
  const { unchecked } = pod;
  const refused =
    unchecked > 0 ? `, refused ${unchecked} request${unchecked === 1 ? "" : "s"} unchecked` : "";
  return `${syncOf(pod)}${refused}`;
}

function syncOf(pod: PodStatus): string {
  if (pod.error) return pod.error;
  if (!pod.ready) return "not ready";
  if (pod.wanted === undefined) return "no WasmPlugin";
  if (pod.running === undefined) return "no filter: Envoy or pilot-agent could not take it";
  if (pod.wanted !== pod.running) return "out of date";
  return tellsItsVersion(pod) ? "in sync" : `no VM of version ${pod.imageVersion}, which the image holds`;
}

function asObject(statuses: Map<Tenant, PodStatus[]>): object {
  const gateways = [...statuses].map(([{ metadata, spec }, pods]) => ({
    tenant: metadata.name,
    gateway: `${spec.gateway.namespace}/${spec.gateway.name}`,
    pods: pods.map((pod) => ({ ...pod, inSync: isInSync(pod) })),
  }));
  return { gateways };
}
