import { API_VERSION } from "../../api/fields.ts";
import { KINDS } from "../../api/kinds.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Finding } from "./finding.ts";

/** docs/operate/install.md: the first with what the admission policies and definitions need. */
const OLDEST_KUBERNETES_MINOR = 30;

export async function kubernetesVersion(client: KubernetesClient): Promise<Finding> {
  const version = (await client.send("GET", "version")) as unknown as { minor: string; gitVersion: string };
  const isNewEnough = Number.parseInt(version.minor, 10) >= OLDEST_KUBERNETES_MINOR;
  const wanted = isNewEnough ? "" : `: upgrade to 1.${OLDEST_KUBERNETES_MINOR} or newer`;
  return {
    check: "Kubernetes",
    state: isNewEnough ? "ok" : "failed",
    says: `${version.gitVersion}${wanted}`,
  };
}

const ISTIO_KINDS: [apiVersion: string, kind: string][] = [
  ["networking.istio.io/v1", "Gateway"],
  ["networking.istio.io/v1", "VirtualService"],
  ["networking.istio.io/v1", "DestinationRule"],
  ["networking.istio.io/v1alpha3", "EnvoyFilter"],
  ["extensions.istio.io/v1alpha1", "WasmPlugin"],
];
const GATEWAY_API_KINDS: [apiVersion: string, kind: string][] = [
  ["gateway.networking.k8s.io/v1", "Gateway"],
  ["gateway.networking.k8s.io/v1", "HTTPRoute"],
  ["gateway.networking.k8s.io/v1", "GRPCRoute"],
];

/** Which kinds the API server serves: Istio's, Modelgate's own, and those of the Gateway API. */
export async function servedKinds(client: KubernetesClient): Promise<Finding[]> {
  const missingOf = async (kinds: [string, string][]) => {
    const known = await Promise.all(kinds.map(([apiVersion, kind]) => client.knows(apiVersion, kind)));
    return kinds.filter((_, i) => !known[i]).map(([apiVersion, kind]) => `${kind} (${apiVersion})`);
  };
  const own = Object.keys(KINDS).map((kind): [string, string] => [API_VERSION, kind]);
  const [istio, modelgate, gatewayApi] = await Promise.all(
    [ISTIO_KINDS, own, GATEWAY_API_KINDS].map(missingOf),
  );
  return [
    kinds("Istio's kinds", istio, "failed", "install Istio's custom resource definitions"),
    kinds("Modelgate's kinds", modelgate, "warning", "modelgate install brings them"),
    kinds("Gateway API", gatewayApi, "warning", "only --target gateway-api needs them"),
  ];
}

function kinds(check: string, missing: string[] | undefined, state: Finding["state"], todo: string): Finding {
  if (!missing || missing.length === 0) return { check, state: "ok", says: "all are served" };
  return { check, state, says: `not served: ${missing.join(", ")}: ${todo}` };
}

const DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class";

/** The collector's claim names no StorageClass. */
export async function storageClass(client: KubernetesClient): Promise<Finding> {
  const check = "storage";
  const classes = await client.list("storage.k8s.io/v1", "StorageClass");
  const found = classes.find(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === "true");
  if (found) return { check, state: "ok", says: `StorageClass ${found.metadata.name} is the default` };
  const there = classes.map(({ metadata }) => metadata.name).join(", ") || "there are none";
  return {
    ...{ check, state: "warning" },
    says: `no StorageClass is the default (${there}): the collector's volume will be pending; mark one with ${DEFAULT_CLASS}=true`,
  };
}

interface Istiod extends Manifest {
  spec: {
    template: {
      spec: { containers: { name: string; image: string; env?: { name: string; value?: string }[] }[] };
    };
  };
  status?: { availableReplicas?: number };
}

/** Whether istiod runs, of which version, and the settings of it that change what Modelgate renders for. */
export async function istiod(client: KubernetesClient): Promise<Finding[]> {
  const check = "istiod";
  const found = (await client.list("apps/v1", "Deployment", { labelSelector: "app=istiod" })) as Istiod[];
  if (found.length === 0)
    return [{ check, state: "failed", says: "no Deployment has the label app=istiod: install Istio" }];
  return found.flatMap((deployment) => {
    const { metadata, spec, status } = deployment;
    const [container] = spec.template.spec.containers;
    const version = /:([^:@/]+)(?:@|$)/.exec(container?.image ?? "")?.[1] ?? "of an unknown version";
    const pods = status?.availableReplicas ?? 0;
    const name = `${metadata.namespace}/${metadata.name}, Istio ${version}`;
    const runs: Finding =
      pods > 0
        ? { check, state: "ok", says: `${name}, ${pods} pods available` }
        : { check, state: "failed", says: `${name} has no pod available: without it gateways get no routes` };
    const scoped = container?.env?.find(({ name }) => name === "PILOT_SCOPE_GATEWAY_TO_NAMESPACE")?.value;
    const shared: Finding[] =
      scoped === "true"
        ? []
        : [
            {
              check: "Istio's gateways",
              state: "ok",
              says: "a Gateway selects pods of all namespaces (PILOT_SCOPE_GATEWAY_TO_NAMESPACE is off): tenants need labels of their own, which Modelgate checks",
            },
          ];
    return [runs, ...shared];
  });
}

/** Turns a check that may not look, or can't, into a finding. */
export async function looked(check: string, find: () => Promise<Finding | Finding[]>): Promise<Finding[]> {
  try {
    return [await find()].flat();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const forbidden = error instanceof ApiError && error.code === 403;
    return [
      { check, state: forbidden ? "unknown" : "failed", says: forbidden ? `you may not look: ${why}` : why },
    ];
  }
}
