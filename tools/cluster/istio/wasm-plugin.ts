import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import type { Reference } from "../../lib/oci/reference.ts";
import { MANAGED_BY } from "./names.ts";

interface WasmPluginOptions {
  name: string;
  namespace: string;
  /** Labels of the gateway's pods. */
  selector: Record<string, string>;
  image: Reference;
  pluginConfig: object;
  labels?: Record<string, string>;
  /** Secret with the registry's credentials. */
  pullSecret?: string | undefined;
  failStrategy?: "FAIL_RELOAD" | "FAIL_CLOSE" | "FAIL_OPEN";
  /** Variables of the pods' environment that the filter gets to see. */
  environment?: string[];
  /** Place among the WasmPlugins of the phase; the highest runs first. */
  priority?: number;
}

/**
 * The Istio WasmPlugin that runs a filter in a gateway, before all other filters. It fails closed and is
 * started anew unless told otherwise, because it decides who may call.
 * @throws Error for an image by tag: a tag can change under a running gateway
 */
export function wasmPlugin(options: WasmPluginOptions): Manifest {
  const {
    name,
    namespace,
    selector,
    image,
    pluginConfig,
    labels,
    pullSecret,
    priority,
    environment = [],
  } = options;
  if (!image.digest) {
    throw new Error(
      "the image must be named by digest (oci://host/name@sha256:...), as `modelgate push` prints it",
    );
  }
  return {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace, labels: { ...MANAGED_BY, ...labels } },
    spec: {
      selector: { matchLabels: selector },
      url: `oci://${image.registry}/${image.repository}@${image.digest}`,
      imagePullPolicy: "IfNotPresent",
      ...(pullSecret && { imagePullSecret: pullSecret }),
      phase: "AUTHN",
      ...(priority !== undefined && { priority }),
      failStrategy: options.failStrategy ?? "FAIL_RELOAD",
      pluginConfig,
      ...(environment.length > 0 && {
        vmConfig: { env: environment.map((name) => ({ name, valueFrom: "HOST" })) },
      }),
    },
  };
}
