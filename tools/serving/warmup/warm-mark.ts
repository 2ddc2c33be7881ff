import { readFile, rename, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { serverProcess } from "./server-process.ts";

/**
 * Remembers, in a file, that the process which serves a port is warm, so that a probe which runs anew each
 * time need not warm it again. A server of another machine is never remembered: nothing here tells when it
 * restarts.
 */
export class WarmMark {
  private readonly host: string;
  private readonly port: number;
  private readonly file: string;

  constructor(host: string, port: number, file = join(tmpdir(), `modelgate-warm-${port}`)) {
    this.host = host;
    this.port = port;
    this.file = file;
  }

  /** Whether the process that serves now was warmed. */
  async isSet(): Promise<boolean> {
    const marked = await readFile(this.file, "utf8").catch(() => undefined);
    return marked !== undefined && marked === (await this.process());
  }

  /** @throws Error when the file can't be written */
  async set(): Promise<void> {
    const served = await this.process();
    if (served === undefined) return;
    const temporary = `${this.file}.${process.pid}`;
    await writeFile(temporary, served);
    await rename(temporary, this.file);
  }

  private async process(): Promise<string | undefined> {
    const own = Object.values(networkInterfaces()).flatMap((each = []) => each.map(({ address }) => address));
    const isHere = ["localhost", "0.0.0.0", "::", ...own].includes(this.host) || this.host.startsWith("127.");
    return isHere ? serverProcess(this.port) : undefined;
  }
}
