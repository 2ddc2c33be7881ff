import { randomBytes } from "node:crypto";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { MANAGED_BY, TENANT_LABEL } from "../istio/names.ts";
import type { ControllerAddress } from "../istio/rate-limit-config.ts";
import { sealingKeyOf } from "../istio/seal.ts";
import { secretsOf } from "../istio/secrets-of.ts";
import type { Secrets } from "./secrets.ts";

const KEY_BYTES = 32;

/**
 * Adds a new key to `secrets` for each gateway that has a secret to seal and no key yet: not for those whose
 * Tenant names a Secret, which is somebody's.
 * @returns the Secrets to make with `makeSealingKeys` before anything that is sealed is applied
 */
export function newSealingKeys(
  tenants: Tenant[],
  tasks: ModelTask[],
  secrets: Secrets,
  controller: ControllerAddress | undefined,
): Manifest[] {
  return tenants.flatMap((tenant) => {
    const { namespace, sealingKey } = tenant.spec.gateway;
    const wanted = sealingKeyOf(tenant);
    if (sealingKey || !wanted || secretsOf(tenant, tasks, controller).length === 0) return [];
    const name = `${namespace}/${wanted.name}`;
    if (secrets.has(name)) return [];
    const key = randomBytes(KEY_BYTES).toString("hex");
    secrets.set(name, new Map([[wanted.key, Buffer.from(key)]]));
    const labels = { ...MANAGED_BY, [TENANT_LABEL]: tenant.metadata.name };
    return [
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: wanted.name, namespace, labels },
        type: "Opaque",
        stringData: { [wanted.key]: key },
      },
    ];
  });
}

/**
 * @throws Error when one is there by now, whose key is another, or none may be made; it says what to do
 */
export async function makeSealingKeys(
  client: KubernetesClient,
  keys: Manifest[],
  fieldManager: string,
): Promise<void> {
  for (const key of keys) {
    const { name, namespace } = key.metadata;
    try {
      if (await client.create(key, { fieldManager, dryRun: false })) continue;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new Error(
        `Secret ${namespace}/${name} with a key to seal the tenant's secrets: ${error.message}. Bind the ClusterRole modelgate-secret-reader in this namespace, or make it: kubectl -n ${namespace} create secret generic ${name} --from-literal=key=$(openssl rand -hex 32)`,
      );
    }
    throw new Error(`Secret ${namespace}/${name} was just made by another: run it again`);
  }
}
