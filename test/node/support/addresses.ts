/** One kubelet with its container runtime: what sets it apart from another on the same machine. */
export interface NodeSettings {
  name: string;
  /** A kubelet takes no loopback address for its node. */
  ip: string;
  /** Addresses of its pods. */
  podRange: string;
  /** Of the pods' network. */
  bridge: string;
  zone: string;
  /** Who it is for the API server. */
  user: "kubelet" | "kubelet-2";
  /** What the names of its own files and programs end in. */
  suffix: string;
}

/** Names and addresses of the node, all of them in namespaces of the run. */
export const NODE: NodeSettings = {
  name: "node-1",
  ip: "10.88.0.1",
  podRange: "10.88.1.0/24",
  bridge: "cni0",
  zone: "zone-a",
  user: "kubelet",
  suffix: "",
};
/** For tests that empty a node: the pods go to this one. */
export const SECOND_NODE: NodeSettings = {
  name: "node-2",
  ip: "10.88.0.2",
  podRange: "10.88.2.0/24",
  bridge: "cni1",
  zone: "zone-b",
  user: "kubelet-2",
  suffix: "-2",
};
export const NODES = [NODE, SECOND_NODE];
export const { name: NODE_NAME, ip: NODE_IP } = NODE;
/** Of nodes and pods. */
export const CLUSTER_RANGE = "10.88.0.0/16";
export const SERVICE_RANGE = "10.99.0.0/16";
/** The Service `kubernetes`: the first address of the range. */
export const API_SERVICE_IP = "10.99.0.1";
export const API_SERVER = `https://${NODE_IP}:6443`;
/** Name of the node's registry, for pods and for the node itself. */
export const REGISTRY_HOST = "registry.test";
export const REGISTRY = `${REGISTRY_HOST}:5000`;
/** The same images, for those who have a password. */
export const GUARDED_REGISTRY = `${REGISTRY_HOST}:5001`;
/** As the API server calls the Service that answers for metrics of an autoscaler. */
export const EXTERNAL_METRICS = { name: "external-metrics", namespace: "kube-system", port: 6444 };
export const EXTERNAL_METRICS_HOST = `${EXTERNAL_METRICS.name}.${EXTERNAL_METRICS.namespace}.svc`;
