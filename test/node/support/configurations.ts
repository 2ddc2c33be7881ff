import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  CLUSTER_RANGE,
  NODE_IP,
  NODE_NAME,
  type NodeSettings,
  REGISTRY,
  REGISTRY_HOST,
} from "./addresses.ts";
import type { Identities } from "./identities.ts";
import { PAUSE_IMAGE } from "./images.ts";

/** Where CoreDNS says that it knows the cluster. */
export const NAME_SERVER_READY = `${NODE_IP}:8181`;
const FEATURES = { WatchListClient: false };

/** Writes the configuration of a program as JSON, which is YAML too. @returns its path */
function write(folder: string, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/**
 * Where a node keeps what.
 * @param path as the first node has it
 */
export function folderOf(folder: string, path: string, { suffix }: NodeSettings): string {
  return suffix ? join(folder, `${basename(path)}${suffix}`) : path;
}

/** Where a node's container runtime listens. */
export function containerdSocket({ suffix }: NodeSettings): string {
  return `/run/containerd${suffix}/containerd.sock`;
}

export function containerdConfiguration(folder: string, node: NodeSettings): string {
  const hosts = join(folder, "registries", REGISTRY);
  mkdirSync(hosts, { recursive: true });
  const host = `[host."http://${REGISTRY}"]\n  capabilities = ["pull", "resolve"]\n`;
  writeFileSync(join(hosts, "hosts.toml"), host);
  const path = join(folder, `containerd${node.suffix}.toml`);
  const plugin = 'plugins."io.containerd.grpc.v1.cri"';
  // Root in a container may lack CAP_SYS_RESOURCE, which an oom_score_adj below zero needs.
  const text = `version = 2
[grpc]
  address = "${containerdSocket(node)}"
[${plugin}]
  sandbox_image = "${PAUSE_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
[${plugin}.registry]
  config_path = "${join(folder, "registries")}"
[${plugin}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${networkFolder(node)}"
[${plugin}.containerd]
  snapshotter = "overlayfs"
`;
  writeFileSync(path, text);
  return path;
}

const networkFolder = ({ suffix }: NodeSettings) => `/etc/cni/net${suffix}.d`;

/** The pods' network: a bridge. */
export function writeNetworkConfiguration(node: NodeSettings): void {
  const { bridge, podRange, suffix } = node;
  const routes = [{ dst: "0.0.0.0/0" }];
  const ipam = { type: "host-local", ranges: [[{ subnet: podRange }]], routes };
  const plugin = { type: "bridge", bridge, isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  mkdirSync(networkFolder(node), { recursive: true });
  write(networkFolder(node), "10-pods.conflist", {
    cniVersion: "1.0.0",
    name: `pods${suffix}`,
    plugins: [plugin],
  });
}

export function kubeletConfiguration(folder: string, identities: Identities, node: NodeSettings): string {
  const { ip, suffix, user } = node;
  const x509 = { clientCAFile: identities.path("ca.crt") };
  return write(folder, `kubelet${suffix}.json`, {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    // cgroup v1, without systemd.
    failCgroupV1: false,
    cgroupDriver: "cgroupfs",
    ...(suffix && { cgroupRoot: cgroupOf(node) }),
    containerRuntimeEndpoint: `unix://${containerdSocket(node)}`,
    failSwapOn: false,
    oomScoreAdj: 0,
    address: ip,
    healthzPort: 0,
    podLogsDir: folderOf(folder, "/var/log/pods", node),
    tlsCertFile: identities.path(`${user}.crt`),
    tlsPrivateKeyFile: identities.path(`${user}.key`),
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509 },
    authorization: { mode: "Webhook" },
    clusterDNS: [NODE_IP],
    clusterDomain: "cluster.local",
    resolvConf: join(folder, "resolv.conf"),
    evictionHard: { "memory.available": "200Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: "5s",
    featureGates: FEATURES,
  });
}

/** A kubelet that is not the machine's only one has its pods' cgroups below one of its own. */
export const cgroupOf = ({ name }: NodeSettings) => `/${name}`;

export function proxyConfiguration(folder: string, identities: Identities): string {
  return write(folder, "kube-proxy.json", {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: identities.kubeconfig("proxy") },
    clusterCIDR: CLUSTER_RANGE,
    hostnameOverride: NODE_NAME,
    bindAddress: NODE_IP,
    healthzBindAddress: "127.0.0.1:10256",
    metricsBindAddress: "127.0.0.1:10249",
    oomScoreAdj: 0,
    // Only the machine's own network namespace may set these sysctls.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
    featureGates: FEATURES,
  });
}

/** CoreDNS for the pods and the node: names of Services, of the node and of its registry. */
export function nameServerConfiguration(folder: string, identities: Identities): string {
  const path = join(folder, "Corefile");
  const names = [NODE_NAME, REGISTRY_HOST].map((name) => `${NODE_IP} ${name}`).join("\n    ");
  const text = `.:53 {
  bind ${NODE_IP}
  errors
  ready ${NAME_SERVER_READY}
  hosts {
    ${names}
    ttl 2
    fallthrough
  }
  kubernetes cluster.local {
    kubeconfig ${identities.kubeconfig("admin")}
    ttl 2
  }
}
`;
  writeFileSync(path, text);
  return path;
}

export function registryConfiguration(folder: string): string {
  return registry(folder, "registry", 5000);
}

/** The same images, for users of a file of passwords. */
export function guardedRegistryConfiguration(folder: string, htpasswd: string): string {
  // Istio's agent takes the realm of a 401 for the address of a token server, and refuses a private one.
  const auth = { htpasswd: { realm: "https://registry.example", path: htpasswd } };
  return registry(folder, "registry-guarded", 5001, { auth });
}

function registry(folder: string, name: string, port: number, more: object = {}): string {
  const storage = { filesystem: { rootdirectory: join(folder, "registry") } };
  const http = { addr: `${NODE_IP}:${port}` };
  return write(folder, `${name}.json`, { version: "0.1", log: { level: "warn" }, storage, http, ...more });
}
