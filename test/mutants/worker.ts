import { readFile, writeFile } from "node:fs/promises";
import { Modules } from "./modules.ts";
import { isOfFilters, type Mutant, modulesOf, modulesOfTest, mutated, testOf } from "./mutant.ts";
import { type Outcome, Tests } from "./tests.ts";

/** What a worker is asked for, in a tree of its own, which is its working directory. */
export type Job =
  /** The tests of a file, with nothing changed: of mutants of filters, or of tools. */
  | { kind: "check"; file: string; names: string[]; ofFilters: boolean }
  /** One mutant. */
  | { kind: "break"; mutant: Mutant };

export type Done = Outcome | { broken: string; endless?: true };

const modules = new Modules();
const tests = await Tests.open();

async function unchanged({ file, names, ofFilters }: Extract<Job, { kind: "check" }>): Promise<Done> {
  await modules.compileTests(ofFilters);
  for (const name of modulesOfTest(file)) await modules.provide(name);
  return tests.run(file, names);
}

async function broken(mutant: Mutant): Promise<Done> {
  const { file, name } = testOf(mutant);
  await modules.compileTests(isOfFilters(mutant));
  for (const each of modulesOfTest(file)) await modules.provide(each);
  const before = await readFile(mutant.file, "utf8");
  const text = mutated(before, mutant);
  const built = modulesOf(mutant);
  try {
    await writeFile(mutant.file, text);
    tests.forget(mutant.file);
    const said = await modules.change(built, { file: mutant.file, text });
    return said === undefined ? await tests.run(file, [name]) : { broken: said };
  } finally {
    await writeFile(mutant.file, before);
    tests.forget(mutant.file);
    await modules.restore(built);
  }
}

process.on("disconnect", () => process.exit());
process.on("message", async (job: Job) => {
  const done = job.kind === "check" ? unchanged(job) : broken(job.mutant);
  process.send?.(await done.catch((error): Done => ({ broken: String(error) })));
});
