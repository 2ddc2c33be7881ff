import type { KubernetesClient } from "../kubernetes/client.ts";
import { type Pod, podRequest } from "../kubernetes/pod-http.ts";

/** Envoy's admin port in an Istio proxy. */
const ADMIN_PORT = 15_000;

/** Asks the admin interface of a gateway pod's Envoy. @throws Error that names the pod */
export function envoyAdmin(client: KubernetesClient, pod: Pod, path: string): Promise<string> {
  return podRequest(client, pod, ADMIN_PORT, "GET", path);
}
