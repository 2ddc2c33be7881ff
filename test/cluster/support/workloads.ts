import type { Manifest } from "../../../tools/kubernetes/manifest.ts";
import { MODEL_SERVER_IMAGE } from "./node.ts";

/** A Service on port 8866 with a Deployment of one model server for each version; each listens on a port of its own. */
export function modelServer(
  namespace: string,
  name: string,
  versions: { version: string; port: number }[],
): Manifest[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: { app: name }, ports: [{ name: "grpc", port: 8866, targetPort: "grpc" }] },
    },
    ...versions.map(({ version, port }) => deployment(namespace, name, version, port)),
  ];
}

function deployment(namespace: string, app: string, version: string, containerPort: number): Manifest {
  const labels = { app, version };
  const container = {
    name: "model",
    image: MODEL_SERVER_IMAGE,
    ports: [{ name: "grpc", containerPort }],
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: `${app}-${version}`, namespace },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [container] } },
    },
  };
}
