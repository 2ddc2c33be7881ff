import { readFile, writeFile } from "node:fs/promises";
import asc from "assemblyscript/asc";
import type { ModuleName } from "../../tools/lib/wasm/modules.ts";
import { withVersion } from "../../tools/lib/wasm/version.ts";

const CONFIG = "asconfig.json";

/** Texts of the compiler's configuration. */
interface Config {
  asBuilt: string;
  quick: string;
}

type Files = Map<string, string | Uint8Array>;

/**
 * The filter modules in `build/` of the working directory, by a compiler that stays in this process: it takes
 * seconds to load and to warm up, and less than one for a module that it does not optimise.
 */
export class Modules {
  private readonly texts = new Map<string, string | null>();
  private readonly config: Promise<Config>;
  /** As they are made of sources that nobody changed. */
  private readonly unchanged = new Map<ModuleName, Files>();

  constructor() {
    this.config = readFile(CONFIG, "utf8").then((asBuilt) => {
      const config = JSON.parse(asBuilt);
      const quick = JSON.stringify({ ...config, options: { ...config.options, optimizeLevel: 0 } });
      this.texts.set(CONFIG, quick);
      return { asBuilt, quick };
    });
  }

  /**
   * Are modules that tests compile themselves to be compiled without the optimizer? Then a change of their
   * sources takes a tenth of the time; but a few tests look for the names of functions that it leaves.
   */
  async compileTests(quickly: boolean): Promise<void> {
    const { asBuilt, quick } = await this.config;
    await writeFile(CONFIG, quickly ? quick : asBuilt);
  }

  /**
   * Sees to it that a module is there, made of sources that nobody has changed.
   * @throws Error with the compiler's words
   */
  async provide(name: ModuleName): Promise<void> {
    if (this.unchanged.has(name)) return;
    const files = await this.compiled(name);
    if (typeof files === "string") throw new Error(files);
    this.unchanged.set(name, files);
    await write(files);
  }

  /**
   * Makes modules of sources of which one is changed.
   * @param changed its path and text @returns what the compiler said; undefined when it compiled
   */
  async change(names: ModuleName[], changed: { file: string; text: string }): Promise<string | undefined> {
    const before = this.texts.get(changed.file);
    this.texts.set(changed.file, changed.text);
    try {
      for (const name of names) {
        const files = await this.compiled(name);
        if (typeof files === "string") return files;
        await write(files);
      }
      return undefined;
    } finally {
      if (before === undefined) this.texts.delete(changed.file);
      else this.texts.set(changed.file, before);
    }
  }

  /** Puts modules back as they were before `change`. */
  async restore(names: ModuleName[]): Promise<void> {
    for (const name of names) await write(this.unchanged.get(name) as Files);
  }

  private async read(file: string): Promise<string | null> {
    const known = this.texts.get(file);
    if (known !== undefined) return known;
    const text = await readFile(file, "utf8").catch(() => null);
    this.texts.set(file, text);
    return text;
  }

  /** @returns what lies in `build/` then, by its path; what the compiler said when it does not compile */
  private async compiled(name: ModuleName): Promise<Files | string> {
    await this.config;
    const files: Files = new Map();
    const { version } = JSON.parse((await this.read("package.json")) as string);
    const { error, stderr } = await asc.main(
      [`filters/${name}/module.ts`, "--config", "asconfig.json", "--outFile", `build/${name}.wasm`],
      {
        readFile: (file) => this.read(file),
        writeFile: (file, content) =>
          void files.set(file, typeof content === "string" ? content : withVersion(content, version)),
      },
    );
    return error ? stderr.toString() || String(error) : files;
  }
}

async function write(files: Files): Promise<void> {
  for (const [file, content] of files) await writeFile(file, content);
}
