import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { type Mutant, testOf } from "./mutant.ts";

const FILE = new URL("build/mutants/killed.json", PROJECT_ROOT);

/** Mutants that were killed in runs before, and whose source and test file are as they were then. */
export class Killed {
  private readonly keys: Set<string>;

  private constructor(keys: string[]) {
    this.keys = new Set(keys);
  }

  static read(): Killed {
    try {
      return new Killed(JSON.parse(readFileSync(FILE, "utf8")));
    } catch {
      return new Killed([]);
    }
  }

  has(mutant: Mutant): boolean {
    return this.keys.has(keyOf(mutant));
  }

  add(mutant: Mutant): void {
    this.keys.add(keyOf(mutant));
    mkdirSync(new URL(".", FILE), { recursive: true });
    writeFileSync(FILE, JSON.stringify([...this.keys]));
  }
}

function keyOf(mutant: Mutant): string {
  const hash = createHash("sha256");
  for (const part of [mutant.file, mutant.from, mutant.to, mutant.test]) hash.update(part).update("\0");
  for (const file of [mutant.file, testOf(mutant).file]) hash.update(readFileSync(file));
  return hash.digest("base64");
}
