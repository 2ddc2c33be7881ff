import { applyPlan } from "../deploy/apply.ts";
import { plan, storedResources } from "../deploy/plan.ts";
import { pluginName } from "../istio/render.ts";
import { ApiError } from "../kubernetes/api-error.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Tenant } from "../resources/tenant.ts";
import type { TenantStore } from "./tenant-store.ts";

/**
 * After a change of credentials: gives the tenant's gateway its new configuration where the tenant is in a cluster, else
 * says how that is done. A new configuration reaches running gateways in about a second and interrupts no request.
 */
export async function updateGateway({ client, placeOf }: TenantStore, { metadata }: Tenant): Promise<void> {
  if (!client) {
    console.error(`for the gateway to know: modelgate apply -f ${placeOf(metadata.name)}`);
    return;
  }
  const { tenants } = await storedResources(client);
  const changed = tenants.filter(({ resource }) => resource.metadata.name === metadata.name);
  const [tenant] = changed;
  if (!tenant || !(await runsFilter(client, tenant.resource))) {
    console.error("no gateway runs the filter for this tenant yet: modelgate apply sets it up");
    return;
  }
  const { changes } = await plan(client, { tenants: changed, tasks: [] }, { target: "istio", prune: false });
  const plugins = changes.filter(({ desired }) => desired.kind === "WasmPlugin");
  await applyPlan(
    client,
    { changes: plugins, obsolete: [] },
    {
      onDone: ({ metadata: { namespace, name } }, outcome) =>
        console.error(`gateway ${namespace}/${name}: configuration ${outcome}`),
    },
  );
}

async function runsFilter(client: KubernetesClient, tenant: Tenant): Promise<boolean> {
  const apiVersion = "extensions.istio.io/v1alpha1";
  if (!(await client.knows(apiVersion, "WasmPlugin"))) return false;
  const metadata = { name: pluginName(tenant), namespace: tenant.spec.gateway.namespace };
  try {
    await client.get({ apiVersion, kind: "WasmPlugin", metadata });
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === 404) return false;
    throw error;
  }
}
