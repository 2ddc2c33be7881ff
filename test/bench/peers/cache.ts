import { createHash } from "node:crypto";
import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

/** Where peers are built, once for each state of their source. */
export const CACHE = fileURLToPath(new URL(".cache/peers", PROJECT_ROOT));

/** Where a peer is, or why there is none. */
export type Peer = { path: string } | { missing: string };

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What a compiler that failed says, in a line, else what the error does. */
export function reasonOf(error: unknown): string {
  const { message, stderr = "" } = error as Error & { stderr?: string };
  const said = stderr.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return (said.find((line) => /error/i.test(line)) ?? said[0] ?? message).trim();
}

/** A digest of the files of a folder, of their names and contents. */
export async function digestOf(folder: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    hash.update(file.slice(folder.length)).update("\0");
    hash.update(await readFile(file));
  }
  return hash.digest("hex").slice(0, 12);
}
