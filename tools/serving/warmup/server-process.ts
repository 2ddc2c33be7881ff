import { readdir, readFile, readlink } from "node:fs/promises";
import { listeners } from "../drain/tcp-sockets.ts";

const START_TIME_FIELD = 22;

/**
 * Which process serves a port of this network namespace, as `pid:start time`; its listening socket where that
 * can't be seen (other users' processes, other containers). Undefined when none does. A restarted process has
 * another identity.
 */
export async function serverProcess(port: number): Promise<string | undefined> {
  const inodes = await listeners(port);
  if (inodes.length === 0) return undefined;
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) if (await holds(pid, sockets)) return identity(pid);
  return [...sockets].sort().join(" ");
}

async function holds(pid: string, sockets: Set<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  const files = await readdir(folder).catch(() => []);
  const targets = await Promise.all(files.map((file) => readlink(`${folder}/${file}`).catch(() => "")));
  return targets.some((target) => sockets.has(target));
}

async function identity(pid: string): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // The second field, the program's name in brackets, may hold anything.
  const startTime = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[START_TIME_FIELD - 3];
  return startTime && `${pid}:${startTime}`;
}
