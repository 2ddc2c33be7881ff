import { KubeConfig } from "@kubernetes/client-node";
import { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { kubectl } from "./istio.ts";

const config = new KubeConfig();
config.loadFromDefault();
/** The node's API server, for its administrator. */
export const client = new KubernetesClient(config);

export async function apply(...objects: Manifest[]): Promise<void> {
  for (const object of objects) await client.apply(object, { fieldManager: "node-test", force: true });
}

/** Waits until all pods of a workload are those of its last change. @param workload as `deployment/NAME` */
export const rolledOut = (namespace: string, workload: string) =>
  kubectl("-n", namespace, "rollout", "status", workload, "--timeout=150s");

/** Pods as `pod/NAME`. */
export async function podsOf(namespace: string): Promise<string[]> {
  const answer = await kubectl("-n", namespace, "get", "pods", "-o", "name");
  return answer.split("\n").filter(Boolean);
}

export interface GatewayPod {
  name: string;
  uid: string;
  ip: string;
}

/** Pods of the tenant's gateway, but for those that are ending. */
export async function gatewayPods(): Promise<GatewayPod[]> {
  const labelSelector = "istio=search-gateway";
  const pods = await client.list("v1", "Pod", { namespace: "search", labelSelector });
  return pods
    .filter(({ metadata }) => !("deletionTimestamp" in metadata))
    .map(({ metadata, status }) => {
      const { podIP = "" } = status as { podIP?: string };
      return { name: metadata.name, uid: String((metadata as { uid?: string }).uid), ip: podIP };
    });
}

interface EndpointSlice {
  endpoints?: { addresses: string[]; conditions: { ready?: boolean } }[] | null;
}

/** Addresses of the pods that a Service sends requests to. */
export async function endpointsOf(namespace: string, service: string): Promise<string[]> {
  const labelSelector = `kubernetes.io/service-name=${service}`;
  const slices = await client.list("discovery.k8s.io/v1", "EndpointSlice", { namespace, labelSelector });
  const endpoints = slices.flatMap((slice) => (slice as EndpointSlice).endpoints ?? []);
  return endpoints.filter(({ conditions }) => conditions.ready).flatMap(({ addresses }) => addresses);
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  lastState: { terminated?: { reason: string; exitCode: number } };
}

/** Containers of the pods, sidecars among them. @param namespace all of them by default */
export async function containersOf(namespace?: string): Promise<(ContainerStatus & { pod: string })[]> {
  const pods = await client.list("v1", "Pod", namespace === undefined ? {} : { namespace });
  return pods.flatMap(({ metadata, status }) => {
    const { containerStatuses = [], initContainerStatuses = [] } = status as Record<
      string,
      ContainerStatus[]
    >;
    const all = [...containerStatuses, ...initContainerStatuses];
    return all.map((each) => ({ ...each, pod: metadata.name }));
  });
}
