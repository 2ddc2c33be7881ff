import type { Tenant } from "../../api/tenant.ts";
import { envoyAdmin } from "../../lib/envoy/admin.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import type { RegistryOptions } from "../../lib/oci/registry-client.ts";
import { abiFaults, abiOf } from "../../lib/wasm/abi.ts";
import { versionOf } from "../../lib/wasm/version.ts";
import { gatewayStatus, type PodStatus } from "../deploy/status.ts";
import type { Finding } from "./finding.ts";

/** What gateways run: their Envoys, and whether their pods got the filter from the registry. */
export async function gateways(client: KubernetesClient, tenants: Tenant[]): Promise<Finding[]> {
  if (tenants.length === 0)
    return [
      {
        ...{ check: "gateways", state: "unknown" },
        says: "there is no Tenant yet: Envoy, and the registry as pods see it, are checked on their gateways",
      },
    ];
  const findings: Finding[] = [];
  for (const [tenant, pods] of await gatewayStatus(client, tenants)) {
    const check = `gateway ${tenant.spec.gateway.namespace}/${tenant.spec.gateway.name}`;
    const [first] = pods;
    if (first) findings.push(await envoyOf(client, check, first), registryInside(check, pods));
    else findings.push({ check, state: "unknown", says: "it has no pod" });
  }
  return findings;
}

/** Envoy of the pods, by its admin interface: `/server_info` (envoy.admin.v3.ServerInfo). */
async function envoyOf(client: KubernetesClient, check: string, pod: PodStatus): Promise<Finding> {
  const info = JSON.parse(await envoyAdmin(client, pod, "/server_info")) as {
    version: string;
    node?: { extensions?: { name: string }[] };
  };
  const [, version = info.version] = /\/(\d+\.\d+\.\d+[^/]*)\//.exec(info.version) ?? [];
  const extensions = info.node?.extensions ?? [];
  const hasV8 = extensions.length === 0 || extensions.some(({ name }) => name === "envoy.wasm.runtime.v8");
  return hasV8
    ? { check, state: "ok", says: `Envoy ${version}` }
    : { check, state: "failed", says: `Envoy ${version} has no V8, and can't run WebAssembly (ABI 0.2.1)` };
}

/** pilot-agent pulls the module: a pod that runs it reached the registry. */
function registryInside(check: string, pods: PodStatus[]): Finding {
  const without = pods.filter(({ wanted, running }) => wanted !== undefined && wanted !== running);
  if (without.length === 0)
    return {
      check,
      state: "ok",
      says: `${pods.length} pods have the filter that they should, from the registry`,
    };
  const [pod] = without;
  return {
    ...{ check, state: "failed" },
    says: `${without.length} of ${pods.length} pods lack the filter ${pod?.wanted}, ${pod?.name} for one: see modelgate status, and pilot-agent's log of the pod for what the registry answered`,
  };
}

/**
 * Whether this machine gets a filter from its registry, and Envoy could run it. Pods may see the registry
 * otherwise.
 */
export async function registryFromHere(image: string, options: RegistryOptions): Promise<Finding> {
  const module = await pullModule(parseReference(image), options);
  const faults = abiFaults(module);
  if (faults.length > 0)
    return { check: FROM_HERE, state: "failed", says: `${image}: Envoy can't run it: ${faults.join("; ")}` };
  const says = `${image}: filter ${versionOf(module) ?? "of no version"}, ABI ${abiOf(module)}`;
  return { check: FROM_HERE, state: "ok", says };
}

export const FROM_HERE = "registry, from this machine";
