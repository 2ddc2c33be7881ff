import type { KubernetesObject } from "@kubernetes/client-node";
import type { Reference } from "../oci/reference.ts";

export interface WasmPluginOptions {
  name: string;
  namespace: string;
  /** Value of the label `istio` of the gateway's pods. */
  gateway: string;
  image: Reference;
  pluginConfig: object;
}

/**
 * The Istio WasmPlugin that runs a filter in a gateway, before all other filters. It fails closed, because it decides
 * who may call.
 * @throws Error for an image by tag: a tag can change under a running gateway
 */
export function wasmPlugin({
  name,
  namespace,
  gateway,
  image,
  pluginConfig,
}: WasmPluginOptions): KubernetesObject & {
  spec: object;
} {
  if (!image.digest) {
    throw new Error(
      "the image must be named by digest (oci://host/name@sha256:...), as `modelgate push` prints it",
    );
  }
  return {
    apiVersion: "extensions.istio.io/v1alpha1",
    kind: "WasmPlugin",
    metadata: { name, namespace, labels: { "app.kubernetes.io/managed-by": "modelgate" } },
    spec: {
      selector: { matchLabels: { istio: gateway } },
      url: `oci://${image.registry}/${image.repository}@${image.digest}`,
      imagePullPolicy: "IfNotPresent",
      phase: "AUTHN",
      failStrategy: "FAIL_CLOSE",
      pluginConfig,
    },
  };
}
