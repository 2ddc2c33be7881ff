import { createHash, randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** @returns the text of a source; null when there is none of that name */
export type Source = (name: string) => Promise<string | null>;

/**
 * SHA-256 of each file that a compilation read, by its path; null for one that it looked for and that was not
 * there.
 */
type Inputs = Record<string, string | null>;

interface Entry {
  inputs: Inputs;
  /** Name of the outputs in the cache: of all inputs together. */
  outputs: string;
}

/**
 * What the compiler made, by what it read: a module whose sources, options and compiler are those of an
 * earlier run is copied, not compiled. The inputs of an entry file are known from the run before, as in the
 * direct mode of ccache.
 */
export class CompileCache {
  private readonly folder: string;
  private readonly source: Source;
  private readonly inputs: Inputs = {};

  /** @param folder where outputs are kept @param source what the compiler reads by a name */
  constructor(folder: string, source: Source) {
    this.folder = folder;
    this.source = source;
  }

  /** The compiler's `readFile`, which notes what it read. */
  async read(name: string): Promise<string | null> {
    const text = await this.source(name);
    this.inputs[name] = text === null ? null : digest(text);
    return text;
  }

  /** Copies module and source map to `outFile` if nothing changed since `keep`. @returns whether it did */
  async restore(entry: string, outFile: string): Promise<boolean> {
    try {
      const { inputs, outputs } = JSON.parse(await readFile(this.entryPath(entry), "utf8")) as Entry;
      for (const [name, expected] of Object.entries(inputs)) {
        await this.read(name);
        if (this.inputs[name] !== expected) return false;
      }
      await copyFile(join(this.folder, `${outputs}.wasm.map`), `${outFile}.map`);
      await copyFile(join(this.folder, `${outputs}.wasm`), outFile);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Keeps what a compilation through `read` made.
   * @param entry what was compiled, how, and by which compiler
   */
  async keep(entry: string, outFile: string): Promise<void> {
    const outputs = digest(entry + JSON.stringify(this.inputs));
    await mkdir(this.folder, { recursive: true });
    await this.put(`${outputs}.wasm`, await readFile(outFile));
    await this.put(`${outputs}.wasm.map`, await readFile(`${outFile}.map`));
    await this.put(this.entryPath(entry), JSON.stringify({ inputs: this.inputs, outputs } satisfies Entry));
  }

  private entryPath(entry: string): string {
    return join(this.folder, `${digest(entry)}.json`);
  }

  /** Whole or not at all: others may read meanwhile. */
  private async put(name: string, content: Uint8Array | string): Promise<void> {
    const path = resolve(this.folder, name);
    const unfinished = join(dirname(path), `${randomUUID()}.unfinished`);
    await writeFile(unfinished, content);
    await rename(unfinished, path);
  }
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
