import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { LINE_LIMIT } from "../fields.ts";
import type { Offset } from "../store/batch.ts";
import type { Chunk } from "./chunk.ts";

/** How many first bytes tell one file from another. */
const HEAD_BYTES = 1024;
const buffer = Buffer.allocUnsafe(LINE_LIMIT);

/** A file that whole lines are read from, at a position that is kept over restarts. */
export class LineFile {
  readonly source: string;
  path: string;
  position = 0;
  /** Lines that were passed over because they are longer than `LINE_LIMIT`, since this was last set to 0. */
  tooLong = 0;
  private readonly file: FileHandle;
  private headBytes = 0;
  private head = "";
  /** Within a line that is too long. */
  private isPassing = false;
  private kept = { position: 0, headBytes: 0, head: "", isPassing: false };

  private constructor(source: string, path: string, file: FileHandle) {
    this.source = source;
    this.path = path;
    this.file = file;
  }

  /** @param source default: device and inode */
  static async open(path: string, source?: string): Promise<LineFile> {
    const file = await open(path, "r");
    const { dev, ino } = await file.stat();
    return new LineFile(source ?? `${dev}:${ino}`, path, file);
  }

  get offset(): Offset {
    const { source, path, position, headBytes, head } = this;
    return { source, path, position, headBytes, head };
  }

  async size(): Promise<number> {
    return (await this.file.stat()).size;
  }

  /** The state that `rewind` comes back to is this one from now on. */
  keep(): void {
    const { position, headBytes, head, isPassing } = this;
    this.kept = { position, headBytes, head, isPassing };
  }

  rewind(): void {
    Object.assign(this, this.kept);
  }

  /** Goes on where an earlier run stopped, if this is still the same file. @returns whether it is */
  async resume(offset: Offset): Promise<boolean> {
    if (offset.position > (await this.size()) || (await this.hashHead(offset.headBytes)) !== offset.head)
      return false;
    this.position = offset.position;
    this.headBytes = offset.headBytes;
    this.head = offset.head;
    this.keep();
    return true;
  }

  /** Starts again at 0 when the file was cut, or cut and written anew. @returns whether it was */
  async restartIfReplaced(): Promise<boolean> {
    const isSame =
      this.position <= (await this.size()) && (await this.hashHead(this.headBytes)) === this.head;
    if (isSame) return false;
    this.position = 0;
    this.headBytes = 0;
    this.head = "";
    this.isPassing = false;
    return true;
  }

  /**
   * Moves whole lines into `chunk` until it is full or there are no more.
   * @param until read no further than this position
   * @returns whether anything was read
   */
  async readInto(chunk: Chunk, until = Number.POSITIVE_INFINITY): Promise<boolean> {
    const before = this.position;
    while (!chunk.isFull && this.position < until) {
      const length = Math.min(buffer.length, until - this.position);
      const { bytesRead } = await this.file.read(buffer, 0, length, this.position);
      const bytes = buffer.subarray(0, bytesRead);
      if (this.isPassing) {
        const end = bytes.indexOf(10);
        this.position += end < 0 ? bytesRead : end + 1;
        this.isPassing = end < 0;
        if (bytesRead === 0) break;
        continue;
      }
      const end = bytes.lastIndexOf(10) + 1;
      if (end > 0) this.position += await chunk.addLines(bytes.subarray(0, end));
      else if (bytesRead === buffer.length) {
        this.tooLong++;
        this.isPassing = true;
      } else break;
    }
    if (this.position === before) return false;
    await this.extendHead();
    return true;
  }

  /** The torn line at the end of a file that nobody writes to any more, as a line. */
  async readRest(chunk: Chunk): Promise<void> {
    const { bytesRead } = await this.file.read(buffer, 0, buffer.length - 1, this.position);
    if (bytesRead === 0 || this.isPassing) return;
    buffer[bytesRead] = 10;
    await chunk.addLines(buffer.subarray(0, bytesRead + 1));
    this.position += bytesRead;
  }

  private async extendHead(): Promise<void> {
    if (this.headBytes === HEAD_BYTES) return;
    this.headBytes = Math.min(HEAD_BYTES, this.position);
    this.head = await this.hashHead(this.headBytes);
  }

  private async hashHead(length: number): Promise<string> {
    if (length === 0) return "";
    const head = Buffer.alloc(length);
    const { bytesRead } = await this.file.read(head, 0, length, 0);
    return createHash("sha256").update(head.subarray(0, bytesRead)).digest("hex");
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
