import { type FileHandle, open } from "node:fs/promises";

/** What one batch holds at most; its lines are in memory together. */
export const CHUNK_BYTES = 12 << 20;
const CHUNK_LINES = 30_000;

/** The file in which the whole lines of a batch are put together. */
export class Chunk {
  readonly path: string;
  private readonly file: FileHandle;
  bytes = 0;
  lines = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.file = file;
  }

  static async create(path: string): Promise<Chunk> {
    return new Chunk(path, await open(path, "w"));
  }

  get isFull(): boolean {
    return this.bytes >= CHUNK_BYTES || this.lines >= CHUNK_LINES;
  }

  /**
   * Takes as many of the lines as there is room for.
   * @param bytes ends with a line feed
   * @returns how many bytes were taken
   */
  async addLines(bytes: Buffer): Promise<number> {
    const room = CHUNK_LINES - this.lines;
    let lines = 0;
    let end = 0;
    while (lines < room && end < bytes.length) {
      end = bytes.indexOf(10, end) + 1;
      lines++;
    }
    await this.file.write(bytes, 0, end);
    this.lines += lines;
    this.bytes += end;
    return end;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
