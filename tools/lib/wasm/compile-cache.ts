import { createHash, randomUUID } from "node:crypto";
import { copyFile, mkdir, readFile, rename, utimes, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pruneCache } from "./prune-cache.ts";

/** @returns the text of a source; null when there is none of that name */
export type Source = (name: string) => Promise<string | null>;

/**
 * SHA-256 of each file that a compilation read, by its path; null for one that it looked for and that was not
 * there.
 */
type Inputs = Record<string, string | null>;

interface Run {
  inputs: Inputs;
  /** Name of the outputs in the cache: of all inputs together. */
  outputs: string;
}

/** Runs of an entry that are known, newest first: of other checkouts and folders too. */
const KEPT_RUNS = 12;

/**
 * Modules of some thirty states of this repository. Another process has read what it found in much less than
 * an hour.
 */
const BOUNDS = { mostBytes: 300 * 1024 * 1024, leastAgeMs: 3_600_000 };

/**
 * What the compiler made, by what it read: a module whose sources, options and compiler are those of an
 * earlier run is copied, not compiled. The inputs of an entry file are known from the runs before, as in the
 * direct mode of ccache.
 */
export class CompileCache {
  private readonly folder: string;
  private readonly source: Source;
  private readonly endings: readonly string[];
  private readonly inputs: Inputs = {};
  /** Of what runs before read, as it is now. */
  private readonly found: Inputs = {};

  /**
   * @param folder where outputs are kept @param source what the compiler reads by a name
   * @param beside endings of what lies beside a module
   */
  constructor(folder: string, source: Source, beside: readonly string[] = [".map"]) {
    this.folder = folder;
    this.source = source;
    this.endings = [...beside, ""];
  }

  /** The compiler's `readFile`, which notes what it read. */
  async read(name: string): Promise<string | null> {
    const text = await this.source(name);
    this.inputs[name] = digestOf(text);
    return text;
  }

  /**
   * Copies a module, and what is beside it, to `outFile` if nothing changed since `keep`.
   * @returns whether it did
   */
  async restore(entry: string, outFile: string): Promise<boolean> {
    try {
      for (const { inputs, outputs } of await this.runs(entry)) {
        if (!(await this.isAsIn(inputs))) continue;
        const kept = this.endings.map((ending) => join(this.folder, `${outputs}.wasm${ending}`));
        for (const [i, ending] of this.endings.entries())
          await copyFile(kept[i] as string, `${outFile}${ending}`);
        // What is in use is not pruned soon.
        for (const path of [...kept, this.entryPath(entry)]) await utimes(path, new Date(), new Date());
        return true;
      }
    } catch {
      // Half of it is gone: it is made anew.
    }
    return false;
  }

  private async runs(entry: string): Promise<Run[]> {
    const text = await readFile(this.entryPath(entry), "utf8").catch(() => "[]");
    return JSON.parse(text) as Run[];
  }

  /** Whether all files are as a run read them. */
  private async isAsIn(inputs: Inputs): Promise<boolean> {
    for (const [name, expected] of Object.entries(inputs)) {
      if (!(name in this.found)) this.found[name] = digestOf(await this.source(name));
      if (this.found[name] !== expected) return false;
    }
    return true;
  }

  /**
   * Keeps what a compilation through `read` made.
   * @param entry what was compiled, how, and by which compiler
   */
  async keep(entry: string, outFile: string): Promise<void> {
    const outputs = digest(entry + JSON.stringify(this.inputs));
    await mkdir(this.folder, { recursive: true });
    for (const ending of this.endings)
      await this.put(`${outputs}.wasm${ending}`, await readFile(`${outFile}${ending}`));
    const others = await this.runs(entry).catch(() => []);
    const runs = [{ inputs: this.inputs, outputs }, ...others.filter((each) => each.outputs !== outputs)];
    await this.put(this.entryPath(entry), JSON.stringify(runs.slice(0, KEPT_RUNS) satisfies Run[]));
    await pruneCache(this.folder, BOUNDS);
  }

  private entryPath(entry: string): string {
    return join(this.folder, `${digest(entry)}.runs.json`);
  }

  /** Whole or not at all: others may read meanwhile. */
  private async put(name: string, content: Uint8Array | string): Promise<void> {
    const path = resolve(this.folder, name);
    const unfinished = join(dirname(path), `${randomUUID()}.unfinished`);
    await writeFile(unfinished, content);
    await rename(unfinished, path);
  }
}

function digestOf(text: string | null): string | null {
  return text === null ? null : digest(text);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
