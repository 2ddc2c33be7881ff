/** Names and addresses of the node, all of them in namespaces of the run. */
export const NODE_NAME = "node-1";
/** A kubelet takes no loopback address for its node. */
export const NODE_IP = "10.88.0.1";
export const POD_RANGE = "10.88.1.0/24";
export const SERVICE_RANGE = "10.99.0.0/16";
/** The Service `kubernetes`: the first address of the range. */
export const API_SERVICE_IP = "10.99.0.1";
export const API_SERVER = `https://${NODE_IP}:6443`;
/** Name of the node's registry, for pods and for the node itself. */
export const REGISTRY_HOST = "registry.test";
export const REGISTRY = `${REGISTRY_HOST}:5000`;
