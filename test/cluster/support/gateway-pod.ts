import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { findEnvoy } from "../../../tools/lib/envoy/find.ts";
import { downwardFiles } from "./downward-files.ts";
import { answers, type Program, startProgram } from "./process.ts";
import { program } from "./programs.ts";
import { REGISTRIES } from "./registry.ts";

/** pilot-agent keeps the filters that it pulls at a fixed path; each pod has its own there. */
const OWN_CACHE = 'mount -t tmpfs tmpfs /var/lib/istio/data && exec "$@"';

export interface GatewayPod extends Program {
  adminPort: number;
}

interface GatewayPodOptions {
  folder: string;
  pod: V1Pod;
  ip: string;
  /** Makes the ports that a pod does not share. */
  index: number;
  /** Of its ServiceAccount, for istiod. */
  token: string;
  /** Variables that its container gets from Secrets. */
  environment: Record<string, string>;
  /** Whether the agent gets the `proxyMetadata` of the pod's proxy configuration. */
  withProxyMetadata: boolean;
}

/**
 * Runs a gateway pod: pilot-agent, which fetches filters from the registry, with an upstream Envoy. Its listeners bind
 * all addresses of the network with SO_REUSEPORT, so connections to a port spread over all gateway pods, as a load
 * balancer would.
 */
export async function startGatewayPod(options: GatewayPodOptions): Promise<GatewayPod> {
  const { folder, pod, ip, index, token, environment, withProxyMetadata } = options;
  const { name = "", namespace = "", labels = {} } = pod.metadata ?? {};
  const home = join(folder, `${namespace}-${name}`);
  await mkdir(join(home, "etc/istio/proxy"), { recursive: true });
  await mkdir(join(home, "etc/istio/pod"), { recursive: true });
  await mkdir(join(home, "var/run/secrets/tokens"), { recursive: true });
  await writeFile(join(home, "var/run/secrets/tokens/istio-token"), token);
  await writeFile(
    join(home, "etc/istio/pod/labels"),
    Object.entries(labels)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}\n`)
      .join(""),
  );
  const envoy = await findEnvoy();
  if (!("program" in envoy)) throw new Error("cluster tests need an Envoy program, not a container");
  const adminPort = 15_100 + index;
  const own = JSON.parse(pod.metadata?.annotations?.["proxy.istio.io/config"] ?? "{}");
  const proxyConfig = {
    ...own,
    discoveryAddress: "127.0.0.1:15010",
    controlPlaneAuthPolicy: "NONE",
    binaryPath: envoy.program,
    proxyAdminPort: adminPort,
    statusPort: 15_200 + index,
    concurrency: 1,
    terminationDrainDuration: "1s",
  };
  const started = await startProgram({
    name: `${namespace}-${name}`,
    folder,
    cwd: home,
    command: "unshare",
    args: [
      ...["--mount", "sh", "-c", OWN_CACHE, "sh", await program("istio", "pilot-agent")],
      ...["proxy", "router", "--domain", `${namespace}.svc.cluster.local`],
      ...["--templateFile", await program("istio", "envoy_bootstrap.json")],
      ...["--proxyLogLevel", "warning", "--log_output_level", "default:info,wasm:debug"],
    ],
    env: {
      // As Istio's injection does.
      ...(withProxyMetadata && own.proxyMetadata),
      ...environment,
      ...(await downwardFiles(pod, home)),
      POD_NAME: name,
      POD_NAMESPACE: namespace,
      INSTANCE_IP: ip,
      SERVICE_ACCOUNT: pod.spec?.serviceAccountName ?? "default",
      PROXY_CONFIG: JSON.stringify(proxyConfig),
      ISTIO_META_CLUSTER_ID: "Kubernetes",
      ISTIO_META_WORKLOAD_NAME: labels.app ?? name,
      FILE_MOUNTED_CERTS: "true",
      WASM_INSECURE_REGISTRIES: Object.values(REGISTRIES).join(),
      ENVOY_STATUS_PORT: String(15_300 + index),
      ENVOY_PROMETHEUS_PORT: String(15_400 + index),
      MINIMUM_DRAIN_DURATION: "1s",
    },
    ready: () => answers(`http://127.0.0.1:${adminPort}/ready`),
    timeoutSeconds: 90,
  });
  return { ...started, adminPort };
}
