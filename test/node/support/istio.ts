import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { program } from "../../cluster/support/programs.ts";
import { GUARDED_REGISTRY, REGISTRY } from "./addresses.ts";
import { ISTIO_HUB, TAG } from "./images.ts";

const NAMESPACE = "istio-system";
/** Of `istioctl`: for a small node, an Envoy without Istio's own filters, and an HTTP registry. */
const SETTINGS = [
  ...[`hub=${ISTIO_HUB}`, `tag=${TAG}`, "profile=minimal", "meshConfig.enableAutoMtls=false"],
  ...["values.telemetry.enabled=false", "values.pilot.env.PILOT_ENABLE_METADATA_EXCHANGE=false"],
  ...["values.pilot.env.PILOT_ENABLE_ALPN_FILTER=false", "values.pilot.resources.requests.cpu=50m"],
  "values.pilot.resources.requests.memory=128Mi",
  `meshConfig.defaultConfig.proxyMetadata.WASM_INSECURE_REGISTRIES=${REGISTRY},${GUARDED_REGISTRY}`,
];

/**
 * Installs Istio from what `istioctl` prints, and waits until istiod is available.
 * @param folder for the manifest
 */
export async function installIstio(folder: string): Promise<void> {
  const options = { maxBuffer: 1 << 26 };
  const settings = SETTINGS.flatMap((setting) => ["--set", setting]);
  const istioctl = await program("istioctl", "istioctl");
  const { stdout } = await promisify(execFile)(istioctl, ["manifest", "generate", ...settings], options);
  const manifest = join(folder, "istio.yaml");
  await writeFile(manifest, stdout);
  await kubectl("create", "namespace", NAMESPACE);
  // The definitions are served a moment after the first time.
  await kubectl("apply", "--server-side", "-f", manifest).catch(() =>
    kubectl("apply", "--server-side", "-f", manifest),
  );
  await kubectl("-n", NAMESPACE, "rollout", "status", "deployment/istiod", "--timeout=240s");
}

/** @throws Error with what it printed */
export async function kubectl(...args: string[]): Promise<string> {
  const path = await program("kubernetes-node", "kubectl");
  return (await promisify(execFile)(path, args, { maxBuffer: 1 << 26 })).stdout;
}
