import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

interface Bounds {
  /** What all files may take together. */
  mostBytes: number;
  /** What is younger stays: another process may have begun to read it, or be writing it. */
  leastAgeMs: number;
}

interface Kept {
  paths: string[];
  bytes: number;
  /** When it was last made or used, milliseconds since 1970. */
  usedMs: number;
}

/**
 * Deletes what was used longest ago until a folder is within its bounds. Files whose names are alike up to
 * the first dot, such as a module and its source map, go together. Other processes may do the same meanwhile.
 */
export async function pruneCache(folder: string, { mostBytes, leastAgeMs }: Bounds): Promise<void> {
  const all = await groupsIn(folder);
  let bytes = all.reduce((sum, each) => sum + each.bytes, 0);
  const newest = Date.now() - leastAgeMs;
  for (const each of all.sort((a, b) => a.usedMs - b.usedMs)) {
    if (bytes <= mostBytes || each.usedMs > newest) return;
    for (const path of each.paths) await rm(path, { force: true });
    bytes -= each.bytes;
  }
}

async function groupsIn(folder: string): Promise<Kept[]> {
  const groups = new Map<string, Kept>();
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    // Another process may have deleted it.
    const found = await stat(path).catch(() => undefined);
    if (!found?.isFile()) continue;
    const key = name.slice(0, name.indexOf("."));
    const group = groups.get(key) ?? { paths: [], bytes: 0, usedMs: 0 };
    groups.set(key, group);
    group.paths.push(path);
    group.bytes += found.size;
    group.usedMs = Math.max(group.usedMs, found.mtimeMs);
  }
  return [...groups.values()];
}
