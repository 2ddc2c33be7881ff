import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Offset } from "../store/batch.ts";
import type { Chunk } from "./chunk.ts";
import type { Input, Taken } from "./input.ts";
import { LineFile } from "./line-file.ts";

/** A segment is given up for a new one beyond this many bytes. */
const SEGMENT_BYTES = 64 << 20;
const NAME = /^(\d+)\.ndjson$/;

interface Segment {
  number: number;
  path: string;
  /** How many of its bytes are on disk, and so acknowledged. */
  bytes: number;
}

interface Waiting {
  lines: Buffer;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Batches that came by HTTP: acknowledged when they are on disk here, and read into the store from here. */
export class Spool implements Input {
  readonly kind = "http";
  private readonly folder: string;
  private readonly limit: number;
  private readonly segments: Segment[] = [];
  private readonly offsets: Map<string, Offset>;
  private reading: LineFile | undefined;
  /** Read to their ends; they go when that is committed, and then what is remembered of them. */
  private readonly done: Segment[] = [];
  private readonly gone: string[] = [];
  private writing: FileHandle | undefined;
  private waiting: Waiting[] = [];
  private isWriting = false;
  private waitingBytes = 0;
  private lastNumber = 0;

  private constructor(folder: string, limit: number, offsets: Offset[]) {
    this.folder = folder;
    this.limit = limit;
    this.offsets = new Map(offsets.map((offset) => [offset.source, offset]));
  }

  /** @param limit how many bytes may wait on disk */
  static async open(folder: string, limit: number, offsets: Offset[]): Promise<Spool> {
    await mkdir(folder, { recursive: true });
    const spool = new Spool(folder, limit, offsets);
    for (const name of await readdir(folder)) {
      const number = Number(NAME.exec(name)?.[1]);
      const path = join(folder, name);
      if (!Number.isNaN(number)) spool.segments.push({ number, path, bytes: (await stat(path)).size });
    }
    spool.segments.sort((a, b) => a.number - b.number);
    spool.lastNumber = Math.max(0, ...spool.segments.map(({ number }) => number), ...offsets.map(numberOf));
    const there = new Set(spool.segments.map(sourceOf));
    spool.gone.push(...offsets.map(({ source }) => source).filter((source) => !there.has(source)));
    await spool.startSegment();
    return spool;
  }

  /** Whether there is no room for more until the store has caught up. */
  get isFull(): boolean {
    return this.waitingBytes + this.segments.reduce((sum, { bytes }) => sum + bytes, 0) >= this.limit;
  }

  /** Resolves when the lines are on disk. @param lines ends with a line feed */
  append(lines: Buffer): Promise<void> {
    this.waitingBytes += lines.length;
    const onDisk = new Promise<void>((resolve, reject) => this.waiting.push({ lines, resolve, reject }));
    if (!this.isWriting) void this.write();
    return onDisk;
  }

  /** Writes what waits, all of it with one sync, until nothing does. */
  private async write(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      const group = this.waiting;
      this.waiting = [];
      try {
        if ((this.segments.at(-1) as Segment).bytes >= SEGMENT_BYTES) await this.startSegment();
        const lines = group.map((each) => each.lines);
        await this.writing?.writev(lines);
        await this.writing?.datasync();
        (this.segments.at(-1) as Segment).bytes += lines.reduce((sum, { length }) => sum + length, 0);
        for (const { resolve } of group) resolve();
      } catch (error) {
        // What got to disk of the group must not be read: its senders send it again.
        await this.writing?.truncate((this.segments.at(-1) as Segment).bytes).catch(() => {});
        await this.startSegment().catch(() => {});
        for (const { reject } of group) reject(error);
      }
      this.waitingBytes -= group.reduce((sum, { lines }) => sum + lines.length, 0);
    }
    this.isWriting = false;
  }

  private async startSegment(): Promise<void> {
    const number = ++this.lastNumber;
    const path = join(this.folder, `${number}.ndjson`);
    const file = await open(path, "wx");
    await this.writing?.close();
    this.writing = file;
    this.segments.push({ number, path, bytes: 0 });
  }

  async take(chunk: Chunk): Promise<Taken> {
    const taken: Taken = { offsets: [], ended: this.gone.splice(0), tooLong: 0 };
    while (!chunk.isFull) {
      const segment = this.segments[0] as Segment;
      this.reading ??= await this.openSegment(segment);
      const { reading } = this;
      const isRead = await reading.readInto(chunk, segment.bytes);
      taken.tooLong += reading.tooLong;
      reading.tooLong = 0;
      if (isRead) taken.offsets.push(reading.offset);
      if (this.segments.length === 1 || chunk.isFull) break;
      await reading.close();
      this.reading = undefined;
      this.segments.shift();
      this.done.push(segment);
    }
    return taken;
  }

  private async openSegment(segment: Segment): Promise<LineFile> {
    const source = sourceOf(segment);
    const file = await LineFile.open(segment.path, source);
    const offset = this.offsets.get(source);
    if (offset !== undefined) await file.resume(offset);
    return file;
  }

  async rewind(): Promise<void> {
    await this.reading?.close();
    this.reading = undefined;
    this.segments.unshift(...this.done.splice(0));
  }

  async committed(): Promise<void> {
    if (this.reading !== undefined) this.offsets.set(this.reading.source, this.reading.offset);
    for (const segment of this.done.splice(0)) {
      await rm(segment.path, { force: true });
      this.gone.push(sourceOf(segment));
      this.offsets.delete(sourceOf(segment));
    }
  }

  async lag(): Promise<number> {
    const bytes = this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
    return bytes - (this.reading?.position ?? 0);
  }

  async close(): Promise<void> {
    await this.reading?.close();
    await this.writing?.close();
  }
}

function sourceOf({ number }: Segment): string {
  return `spool:${number}`;
}

function numberOf({ source }: Offset): number {
  return Number(source.slice(source.indexOf(":") + 1));
}
