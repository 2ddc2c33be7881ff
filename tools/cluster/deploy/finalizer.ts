import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";

/** Keeps a Tenant that is deleted until what was made for it is gone. */
export const FINALIZER = "modelgate.dev/gateway";

export function finalizersOf({ metadata }: Manifest): string[] {
  return (metadata.finalizers as string[] | undefined) ?? [];
}

/**
 * A merge patch replaces the list, so it holds only for the version that was read.
 * @throws ApiError 409 for another
 */
export async function setFinalizers(
  client: KubernetesClient,
  object: Manifest,
  finalizers: string[],
): Promise<void> {
  const { resourceVersion } = object.metadata;
  await client.mergePatch(object, { metadata: { resourceVersion, finalizers } });
}
