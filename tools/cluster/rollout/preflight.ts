import type { KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bootstrap, wasmFilter } from "../../lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../lib/envoy/find.ts";
import { startEnvoy } from "../../lib/envoy/process.ts";
import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import type { RegistryOptions } from "../../lib/oci/registry-client.ts";
import { verifyImage } from "../../lib/oci/signature.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { abiFaults } from "../../lib/wasm/abi.ts";
import { versionOf } from "../../lib/wasm/version.ts";

interface PreflightOptions extends RegistryOptions {
  /** Key that the image must be signed with. */
  key?: KeyObject | undefined;
  /** The Envoy for the dry start. */
  envoy?: string | undefined;
  /** The gateway's plug-in configuration as it is now. */
  pluginConfig: object;
  say: (line: string) => void;
}

/**
 * Checks a new filter before any gateway runs it. @returns the version that the filter reports
 * @throws Error that says what is wrong with it
 */
export async function preflight(image: string, options: PreflightOptions): Promise<string | undefined> {
  const reference = parseReference(image);
  if (options.key) {
    await verifyImage(reference, options.key, options);
    options.say("signature: good");
  } else options.say("signature: not checked (no --key)");
  const module = await pullModule(reference, options);
  const version = versionOf(module);
  options.say(`pulled: ${module.length} bytes${version === undefined ? "" : `, version ${version}`}`);
  const faults = abiFaults(module);
  if (faults.length > 0) throw new Error(`${image}: Envoy can't run it: ${faults.join("; ")}`);
  options.say("ABI: good");
  await dryStart(module, options);
  options.say("dry start: Envoy took the filter with the gateway's configuration and answered");
  return version;
}

/** Runs the module in a local Envoy with the gateway's configuration, and sends it requests. */
async function dryStart(
  module: Uint8Array,
  { envoy: explicit, pluginConfig }: PreflightOptions,
): Promise<void> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-dry-start-"));
  try {
    const file = join(folder.path, "plugin.wasm");
    await writeFile(file, module);
    const envoy = await startEnvoy({
      envoy: await findEnvoy(explicit),
      concurrency: 1,
      bootstrap: bootstrap({ tasks: [], filters: [wasmFilter("dry-start", file, pluginConfig)] }),
    });
    try {
      // Envoy counts a trap when the next request finds no VM.
      for (let i = 0; i < 3; i++) await fetch(`http://127.0.0.1:${envoy.port}/`);
      const stats = await fetch(`http://127.0.0.1:${envoy.adminPort}/stats?filter=vm_reload`);
      const reloads = [...(await stats.text()).matchAll(/: (\d+)/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
      if (reloads > 0)
        throw new Error(`the filter trapped on its first requests\n${envoy.log.slice(-10).join("\n")}`);
    } finally {
      await envoy.stop();
    }
  } catch (error) {
    throw new Error(`dry start: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await folder.remove();
  }
}
