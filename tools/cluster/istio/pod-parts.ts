import { quantityValue } from "../../api/fields.ts";
import type { Tenant } from "../../api/tenant.ts";
import { overloadManager } from "../../lib/envoy/protection.ts";

/** What a gateway's pod gets for one purpose. */
interface PodPart {
  annotations: Record<string, string>;
  env: object[];
  volumeMounts: object[];
  volumes: object[];
}

const NOTHING: PodPart = { annotations: {}, env: [], volumeMounts: [], volumes: [] };

/**
 * Istio's agent pulls filters with the Secret that their WasmPlugin names, but converters, which come by
 * EnvoyFilter, with the Docker configuration of its pod (pkg/wasm/imagefetcher.go).
 */
export function pullCredentials({ spec }: Tenant): PodPart {
  const secretName = spec.gateway.filter.pullSecret;
  if (secretName === undefined) return NOTHING;
  const mountPath = "/etc/modelgate/pull-credentials";
  const items = [{ key: ".dockerconfigjson", path: "config.json" }];
  return {
    annotations: {},
    env: [{ name: "DOCKER_CONFIG", value: mountPath }],
    ...mounted("pull-credentials", mountPath, { secret: { secretName, optional: true, items } }),
  };
}

/** Of a pod: what is added to the bootstrap of its Envoy, JSON. */
const BOOTSTRAP_ANNOTATION = "modelgate.dev/bootstrap";

/**
 * The overload manager, where the pods' memory is bounded. Istio's agent gives Envoy what is in a file
 * beside its bootstrap (ISTIO_BOOTSTRAP_OVERRIDE, pkg/envoy/proxy.go). An EnvoyFilter can't add it: istiod
 * sends no bootstraps any more. The file is an annotation, so that pods start anew when it changes.
 */
export function bootstrapOverride({ spec: { gateway } }: Tenant): PodPart {
  const memory = gateway.deployment?.limits.memory;
  if (memory === undefined) return NOTHING;
  const heapBytes = (quantityValue(memory) * gateway.protection.heapPercent) / 100;
  const mountPath = "/etc/modelgate/bootstrap";
  const path = "bootstrap.json";
  const fieldRef = { fieldPath: `metadata.annotations['${BOOTSTRAP_ANNOTATION}']` };
  return {
    annotations: { [BOOTSTRAP_ANNOTATION]: JSON.stringify({ overload_manager: overloadManager(heapBytes) }) },
    env: [{ name: "ISTIO_BOOTSTRAP_OVERRIDE", value: `${mountPath}/${path}` }],
    ...mounted("bootstrap", mountPath, { downwardAPI: { items: [{ path, fieldRef }] } }),
  };
}

function mounted(name: string, mountPath: string, source: object): Pick<PodPart, "volumeMounts" | "volumes"> {
  return { volumeMounts: [{ name, mountPath, readOnly: true }], volumes: [{ name, ...source }] };
}
