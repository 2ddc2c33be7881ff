import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NODE_IP, NODE_NAME, POD_RANGE, REGISTRY } from "./addresses.ts";
import type { Identities } from "./identities.ts";
import { PAUSE_IMAGE } from "./images.ts";

const FEATURES = { WatchListClient: false };

/** Writes the configuration of a program as JSON, which is YAML too. @returns its path */
function write(folder: string, name: string, content: object): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

export function containerdConfiguration(folder: string): string {
  const hosts = join(folder, "registries", REGISTRY);
  mkdirSync(hosts, { recursive: true });
  const host = `[host."http://${REGISTRY}"]\n  capabilities = ["pull", "resolve"]\n`;
  writeFileSync(join(hosts, "hosts.toml"), host);
  const path = join(folder, "containerd.toml");
  const plugin = 'plugins."io.containerd.grpc.v1.cri"';
  // Root in a container may lack CAP_SYS_RESOURCE, which an oom_score_adj below zero needs.
  const text = `version = 2
[grpc]
  address = "/run/containerd/containerd.sock"
[${plugin}]
  sandbox_image = "${PAUSE_IMAGE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
[${plugin}.registry]
  config_path = "${join(folder, "registries")}"
[${plugin}.cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/net.d"
[${plugin}.containerd]
  snapshotter = "overlayfs"
`;
  writeFileSync(path, text);
  return path;
}

/** The pods' network: a bridge. */
export function writeNetworkConfiguration(): void {
  const routes = [{ dst: "0.0.0.0/0" }];
  const ipam = { type: "host-local", ranges: [[{ subnet: POD_RANGE }]], routes };
  const bridge = { type: "bridge", bridge: "cni0", isGateway: true, ipMasq: false, hairpinMode: true, ipam };
  write("/etc/cni/net.d", "10-pods.conflist", { cniVersion: "1.0.0", name: "pods", plugins: [bridge] });
}

export function kubeletConfiguration(folder: string, identities: Identities): string {
  const x509 = { clientCAFile: identities.path("ca.crt") };
  return write(folder, "kubelet.json", {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    // cgroup v1, without systemd.
    failCgroupV1: false,
    cgroupDriver: "cgroupfs",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    failSwapOn: false,
    oomScoreAdj: 0,
    address: NODE_IP,
    tlsCertFile: identities.path("kubelet.crt"),
    tlsPrivateKeyFile: identities.path("kubelet.key"),
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

export function proxyConfiguration(folder: string, identities: Identities): string {
  return write(folder, "kube-proxy.json", {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clientConnection: { kubeconfig: identities.kubeconfig("proxy") },
    clusterCIDR: POD_RANGE,
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

export function registryConfiguration(folder: string): string {
  const storage = { filesystem: { rootdirectory: join(folder, "registry") } };
  const http = { addr: `${NODE_IP}:5000` };
  return write(folder, "registry.json", { version: "0.1", log: { level: "warn" }, storage, http });
}
