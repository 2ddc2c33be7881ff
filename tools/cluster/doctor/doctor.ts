import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { RegistryOptions } from "../../lib/oci/registry-client.ts";
import { storedResources } from "../deploy/plan.ts";
import { istiod, kubernetesVersion, looked, servedKinds, storageClass } from "./api-checks.ts";
import type { Finding } from "./finding.ts";
import { FROM_HERE, gateways, registryFromHere } from "./gateway-checks.ts";
import { rights } from "./rights.ts";

/**
 * Looks at everything that Modelgate needs of a cluster and changes nothing.
 * @param image of a filter that gateways are to run
 */
export async function examine(
  client: KubernetesClient,
  image: string | undefined,
  registry: RegistryOptions,
): Promise<Finding[]> {
  const checks: [check: string, find: () => Promise<Finding | Finding[]>][] = [
    ["Kubernetes", () => kubernetesVersion(client)],
    ["istiod", () => istiod(client)],
    ["kinds", () => servedKinds(client)],
    ["your rights", () => rights(client)],
    ["storage", () => storageClass(client)],
    ["gateways", async () => gateways(client, await tenantsOf(client))],
  ];
  if (image !== undefined) checks.push([FROM_HERE, () => registryFromHere(image, registry)]);
  const findings: Finding[] = [];
  for (const [check, find] of checks) findings.push(...(await looked(check, find)));
  return findings;
}

async function tenantsOf(client: KubernetesClient) {
  return (await storedResources(client)).tenants.map(({ resource }) => resource);
}
