import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { MODEL_SERVER_IMAGE } from "./images.ts";

const PORT = 8866;
const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

const PROBE = { grpc: { port: PORT }, periodSeconds: 1 };
/** So that a pod takes requests once it can, and as long as it gets them. */
const CARE = {
  ...{ startupProbe: { ...PROBE, failureThreshold: 120 }, readinessProbe: PROBE },
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
};

interface ModelServerOptions {
  version?: string;
  /** Whether it has probes and a preStop hook; the kubelet goes by the process where it has none. */
  care?: boolean;
  /** Run in the place of the image's own. */
  command?: string[];
}

/** The demo's model server as a user would deploy it: a Service and a Deployment. */
export function modelServer(
  namespace: string,
  name: string,
  { version = "v1", care = true, command }: ModelServerOptions = {},
): Manifest[] {
  const labels = { app: name, version };
  const container = {
    ...{ name: "model", image: MODEL_SERVER_IMAGE, ports: [{ name: "grpc", containerPort: PORT }] },
    ...(care && CARE),
    ...(command && { command }),
    resources: { requests: { cpu: "50m", memory: "96Mi" } },
    securityContext: RESTRICTED,
  };
  const securityContext = { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: { app: name }, ports: [{ name: "grpc", port: PORT, targetPort: "grpc" }] },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: `${name}-${version}`, namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: { metadata: { labels }, spec: { securityContext, containers: [container] } },
      },
    },
  ];
}

/**
 * A volume of the node that the collector's claim gets: this cluster makes none by itself.
 * @param path owned by the collector's user
 */
export function hostVolume(path: string): Manifest {
  return {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "collector" },
    spec: {
      capacity: { storage: "20Gi" },
      accessModes: ["ReadWriteOnce"],
      hostPath: { path },
    },
  };
}
