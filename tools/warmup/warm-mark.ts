import { readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serverProcess } from "./server-process.ts";

/** Remembers, in a file, that the process which serves a port is warm, so that a probe which runs anew each time need not warm it again. */
export class WarmMark {
  private readonly port: number;
  private readonly file: string;

  constructor(port: number, file = join(tmpdir(), `modelgate-warm-${port}`)) {
    this.port = port;
    this.file = file;
  }

  /** Whether the process that serves now was warmed. */
  async isSet(): Promise<boolean> {
    const marked = await readFile(this.file, "utf8").catch(() => undefined);
    return marked !== undefined && marked === (await serverProcess(this.port));
  }

  /** @throws Error when the file can't be written */
  async set(): Promise<void> {
    const temporary = `${this.file}.${process.pid}`;
    await writeFile(temporary, (await serverProcess(this.port)) ?? "");
    await rename(temporary, this.file);
  }
}
