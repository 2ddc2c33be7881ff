import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { FIELD_MANAGER } from "./apply.ts";
import type { Plan } from "./plan.ts";

const MOST_SHOWN = 5;

/**
 * Namespaces of a plan that the cluster lacks; none when the account may not look.
 * @param mayCreate whether they would be made
 * @throws Error that names them when they would not
 */
export async function missingNamespaces(
  client: KubernetesClient,
  { changes }: Plan,
  mayCreate: boolean,
): Promise<string[]> {
  const there = await existing(client);
  if (!there) return [];
  const objects = new Map<string, number>();
  for (const { desired } of changes) {
    const { namespace } = desired.metadata;
    if (namespace !== undefined && !there.has(namespace))
      objects.set(namespace, (objects.get(namespace) ?? 0) + 1);
  }
  if (objects.size > 0 && !mayCreate) {
    const shown = [...objects].slice(0, MOST_SHOWN).map(([name, count]) => `${name} (for ${count} objects)`);
    if (objects.size > MOST_SHOWN) shown.push(`${objects.size - MOST_SHOWN} more`);
    throw new Error(`there is no namespace ${shown.join(", ")}: make it first, or say --create-namespaces`);
  }
  return [...objects.keys()];
}

async function existing(client: KubernetesClient): Promise<Set<string> | undefined> {
  try {
    const namespaces = await client.list("v1", "Namespace");
    return new Set(namespaces.map(({ metadata }) => metadata.name));
  } catch (error) {
    if (error instanceof ApiError && error.code === 403) return undefined;
    throw error;
  }
}

export async function createNamespaces(client: KubernetesClient, names: string[]): Promise<void> {
  for (const name of names)
    await client.apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name } },
      { fieldManager: FIELD_MANAGER },
    );
}
