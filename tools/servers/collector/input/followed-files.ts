import { glob, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Logger } from "pino";
import type { Offset } from "../store/batch.ts";
import type { Chunk } from "./chunk.ts";
import type { Input, Taken } from "./input.ts";
import { LineFile } from "./line-file.ts";

/** How long a file that was moved away may still be written to. */
const ROTATED_MS = 5_000;
/** How often the globs are looked through, and how often files are checked for having been cut. */
const REFRESH_MS = 1_000;
/** Made by log rotation of files that were read already. */
const COMPRESSED = /\.(gz|zst|xz|bz2|lz4)$/;
/** A copy is only taken for one when at least this much of it is the same. */
const COPY_BYTES = 64;

interface Followed {
  file: LineFile;
  /** The globs find it. */
  isListed: boolean;
  lastGrowth: number;
}

/**
 * Follows log files as they grow, are renamed, and are cut and written anew (copytruncate). A file is known
 * by device, inode and first bytes, so it is read on from its offset under any name, and so is a copy of it.
 */
export class FollowedFiles implements Input {
  readonly kind = "file";
  private readonly globs: string[];
  private readonly log: Logger;
  private readonly followed = new Map<string, Followed>();
  /** Read to their ends, which is not committed yet. */
  private readonly finished = new Map<string, Followed>();
  /** How far earlier runs read, and how far files were read that were cut then. */
  private readonly earlier: Offset[];
  private isFirst = true;
  private refreshed = 0;

  /** @param earlier how far an earlier run has read */
  constructor(globs: string[], earlier: Offset[], log: Logger) {
    this.globs = globs;
    this.earlier = [...earlier];
    this.log = log;
  }

  async lag(): Promise<number> {
    let lag = 0;
    for (const { file } of this.followed.values()) lag += Math.max(0, (await file.size()) - file.position);
    return lag;
  }

  async take(chunk: Chunk): Promise<Taken> {
    if (Date.now() - this.refreshed >= REFRESH_MS) await this.refresh();
    const taken: Taken = { offsets: [], ended: [], tooLong: 0 };
    const all = [...this.followed];
    for (const [source, each] of all) {
      const { file } = each;
      const hasGrown = await file.readInto(chunk);
      if (hasGrown) {
        each.lastGrowth = Date.now();
        // The others come first next time.
        this.followed.delete(source);
        this.followed.set(source, each);
      }
      const isDone = !hasGrown && !each.isListed && Date.now() - each.lastGrowth > ROTATED_MS;
      if (isDone && !chunk.isFull) {
        await file.readRest(chunk);
        this.finished.set(source, each);
        this.followed.delete(source);
        taken.ended.push(source);
      } else if (hasGrown) taken.offsets.push(file.offset);
      taken.tooLong += file.tooLong;
      file.tooLong = 0;
    }
    return taken;
  }

  async committed(): Promise<void> {
    for (const { file } of this.followed.values()) file.keep();
    for (const { file } of this.finished.values()) await file.close();
    this.finished.clear();
  }

  async rewind(): Promise<void> {
    for (const [source, each] of this.finished) this.followed.set(source, each);
    this.finished.clear();
    for (const { file } of this.followed.values()) file.rewind();
  }

  async close(): Promise<void> {
    for (const { file } of [...this.followed.values(), ...this.finished.values()]) await file.close();
  }

  /** Looks for new, moved and cut files. */
  private async refresh(): Promise<void> {
    const found = new Map<string, string>();
    for await (const path of glob(this.globs)) await note(path, found);
    for (const { file } of this.followed.values()) {
      const { offset } = file;
      if (!(await file.restartIfReplaced())) continue;
      this.earlier.push(offset);
      this.log.info({ path: file.path }, "the file was cut; it is read from its start");
    }
    for (const [source, path] of found) await this.follow(source, path, true);
    for (const [source, each] of this.followed) each.isListed = found.has(source);
    if (this.isFirst) await this.followMoved(found);
    this.isFirst = false;
    this.refreshed = Date.now();
  }

  private async follow(source: string, path: string, isListed: boolean): Promise<void> {
    const known = this.followed.get(source);
    if (known !== undefined) {
      known.file.path = path;
      return;
    }
    const file = await LineFile.open(path).catch(() => undefined);
    if (file === undefined) return;
    await this.resume(file);
    this.followed.set(source, { file, isListed, lastGrowth: Date.now() });
    this.log.info({ path, position: file.position }, "the file is followed");
  }

  private async resume(file: LineFile): Promise<void> {
    for (const offset of this.earlier.filter(({ source }) => source === file.source))
      if (await file.resume(offset)) return;
    const open = [...this.followed.values()].map(({ file: { offset } }) => offset);
    for (const offset of [...open, ...this.earlier])
      if (offset.headBytes >= COPY_BYTES && (await file.resume(offset))) return;
  }

  /** Files that were renamed to what no glob finds while no collector ran, and have lines left. */
  private async followMoved(found: Map<string, string>): Promise<void> {
    const missing = this.earlier.filter(({ source }) => !found.has(source));
    for (const folder of new Set(missing.map(({ path }) => dirname(path)))) {
      const there = new Map<string, string>();
      for (const name of await readdir(folder).catch(() => [])) await note(join(folder, name), there);
      for (const { source } of missing) {
        const path = there.get(source);
        if (path !== undefined) await this.follow(source, path, false);
      }
    }
  }
}

async function note(path: string, found: Map<string, string>): Promise<void> {
  const status = await stat(path).catch(() => undefined);
  if (status?.isFile() && !COMPRESSED.test(path)) found.set(`${status.dev}:${status.ino}`, path);
}
