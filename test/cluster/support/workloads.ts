import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { MODEL_SERVER_IMAGE } from "./node.ts";

interface Version {
  version: string;
  port: number;
  /** Default: the demo's model server. */
  image?: string;
  replicas?: number;
  /** Of the node. */
  zone?: string;
}

/** A Service on port 8866 with a Deployment of model servers for each version. */
export function modelServer(namespace: string, name: string, versions: Version[]): Manifest[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: { app: name }, ports: [{ name: "grpc", port: 8866, targetPort: "grpc" }] },
    },
    ...versions.map((version) => deployment(namespace, name, version)),
  ];
}

function deployment(namespace: string, app: string, each: Version): Manifest {
  const { version, port, image = MODEL_SERVER_IMAGE, replicas = 1, zone } = each;
  const labels = { app, version };
  const container = { name: "model", image, ports: [{ name: "grpc", containerPort: port }] };
  const nodeSelector = zone && { nodeSelector: { "topology.kubernetes.io/zone": zone } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${app}-${version}`, namespace },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...nodeSelector, containers: [container] } },
    },
  };
}
