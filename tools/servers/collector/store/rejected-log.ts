import { appendFile, rename, stat } from "node:fs/promises";
import type { Rejected } from "./rejects.ts";

const MAX_BYTES = 1 << 20;

/** The first bytes of lines that were refused, in a file of at most a megabyte and one older one. */
export class RejectedLog {
  private readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async add(rejected: Rejected[]): Promise<void> {
    if (rejected.length === 0) return;
    const time = new Date().toISOString();
    const lines = rejected.map((each) => `${JSON.stringify({ time, ...each })}\n`);
    const size = await stat(this.path).then(
      ({ size }) => size,
      () => 0,
    );
    if (size > MAX_BYTES) await rename(this.path, `${this.path}.1`);
    await appendFile(this.path, lines.join(""));
  }
}
