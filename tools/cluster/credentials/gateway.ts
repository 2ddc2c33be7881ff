import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { applyPlan } from "../deploy/apply.ts";
import { type Change, type Plan, storedResources } from "../deploy/plan.ts";
import { newSealingKeys } from "../deploy/sealing-keys.ts";
import { requireKeys, secretsOfCluster } from "../deploy/secrets.ts";
import { RENDERED, stamped } from "../deploy/unchanged.ts";
import { gatewayWorkload } from "../istio/gateway-workload.ts";
import { TENANT_LABEL } from "../istio/names.ts";
import { tenantAuthConfig } from "../istio/tenant-auth-config.ts";
import type { TenantStore } from "./tenant-store.ts";

/** For all pods of a gateway to start anew, as `apply` waits. */
const KEY_TIMEOUT_SECONDS = 300;

/**
 * After a change of credentials: gives the tenant's gateway its new configuration where the tenant is in a
 * cluster, else says how that is done. A new configuration reaches running gateways in about a second and
 * interrupts no request. With a tenant's first secret comes a key to seal it, for which its pods start anew.
 */
export async function updateGateway({ client, placeOf }: TenantStore, { metadata }: Tenant): Promise<void> {
  if (!client) {
    console.error(`for the gateway to know: modelgate apply -f ${placeOf(metadata.name)}`);
    return;
  }
  const plan = await planFor(client, metadata.name);
  if (plan.changes.length === 0)
    console.error("no gateway runs the filter for this tenant yet: modelgate apply sets it up");
  await applyPlan(client, plan, {
    wait: { timeoutSeconds: KEY_TIMEOUT_SECONDS, onWait: (line) => console.error(line) },
    onDone: ({ kind, metadata: { namespace, name } }, outcome) =>
      console.error(
        kind === "WasmPlugin"
          ? `gateway ${namespace}/${name}: configuration ${outcome}`
          : `${kind} ${namespace}/${name} ${outcome}`,
      ),
  });
}

/** The tenant's WasmPlugins, those of a rollout too, with nothing changed but what tenant-auth is to know. */
async function planFor(client: KubernetesClient, name: string): Promise<Plan> {
  const [{ tenants, tasks }, plugins] = await Promise.all([
    storedResources(client),
    client.list("extensions.istio.io/v1alpha1", "WasmPlugin", { labelSelector: `${TENANT_LABEL}=${name}` }),
  ]);
  const [tenant] = tenants.filter(({ resource }) => resource.metadata.name === name);
  if (!tenant || plugins.length === 0) return { changes: [], obsolete: [] };
  const own = tasks.filter(({ resource }) => resource.spec.tenant === name);
  const ownTasks = own.map(({ resource }) => resource);
  const known = await secretsOfCluster(client, [tenant.resource], ownTasks);
  const keys = newSealingKeys([tenant.resource], ownTasks, known, undefined);
  // No credential must wait for a token of the log.
  const secrets = requireKeys([tenant], own, known, "apply it to the cluster first");
  const tenantAuth = tenantAuthConfig(tenant.resource, ownTasks, secrets);
  const pods = keys.length > 0 ? await podsWithKey(client, tenant.resource, ownTasks) : [];
  const configured = plugins.map((live) => ({ live, desired: stamped(withTenantAuth(live, tenantAuth)) }));
  return { keys, changes: [...pods, ...configured], obsolete: [] };
}

/** The gateway's Deployment as `apply` has it once there is a key: pods from before would know none. */
async function podsWithKey(client: KubernetesClient, tenant: Tenant, tasks: ModelTask[]): Promise<Change[]> {
  const found = gatewayWorkload(tenant, tasks, true).filter(({ kind }) => kind === "Deployment");
  return Promise.all(
    found.map(async (rendered) => ({ live: await client.get(rendered), desired: stamped(rendered) })),
  );
}

function withTenantAuth({ apiVersion, kind, metadata, spec }: Manifest, tenantAuth: object): Manifest {
  const { name, namespace, labels, annotations = {} } = metadata;
  const { [RENDERED]: _, ...others } = annotations;
  const { pluginConfig, ...rest } = spec as { pluginConfig: object };
  return {
    apiVersion,
    kind,
    metadata: { name, ...(namespace && { namespace }), ...(labels && { labels }), annotations: others },
    spec: { ...rest, pluginConfig: { ...pluginConfig, tenantAuth } },
  };
}
