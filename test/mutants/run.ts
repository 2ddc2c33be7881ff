import { availableParallelism } from "node:os";
import { Command } from "commander";
import { MODULES } from "../../tools/lib/wasm/modules.ts";
import { type Mutant, modulesOf, mutated, testOf } from "./mutant.ts";
import { MUTANTS } from "./table/index.ts";
import { Tree } from "./tree.ts";

/** `npm run test:mutants`: breaks one defence after the other, and says which nobody misses. */

interface Options {
  only?: string;
  slice: string;
  workers: string;
}

type Verdict = { mutant: Mutant; end: "killed" | "SURVIVED" | "BROKEN"; said: string };

/** Each named test must be there and pass before anything is changed. @returns what is wrong */
async function faultsBefore(tree: Tree, mutants: Mutant[]): Promise<string[]> {
  const faults: string[] = [];
  const files = Map.groupBy(mutants.map(testOf), ({ file }) => file);
  for (const [file, tests] of files) {
    const names = [...new Set(tests.map(({ name }) => name))];
    const { passed, failed, said } = await tree.test(file, names);
    for (const name of failed) faults.push(`${file}: ${name} fails before any change: ${said.slice(0, 500)}`);
    for (const name of names)
      if (![...passed, ...failed].some((each) => each.includes(name)))
        faults.push(`${file} has no test: ${name}; ${passed.length === 0 ? said.slice(0, 500) : ""}`);
  }
  return faults;
}

async function verdictOn(tree: Tree, mutant: Mutant): Promise<Verdict> {
  const before = await tree.read(mutant.file);
  const modules = modulesOf(mutant);
  try {
    await tree.write(mutant.file, mutated(before, mutant));
    for (const name of modules) {
      const said = await tree.build(name);
      if (said !== undefined) return { mutant, end: "BROKEN", said };
    }
    const { file, name } = testOf(mutant);
    const { passed, failed, said } = await tree.test(file, [name]);
    if (failed.length > 0) return { mutant, end: "killed", said };
    return { mutant, end: passed.length > 0 ? "SURVIVED" : "BROKEN", said };
  } finally {
    await tree.write(mutant.file, before);
  }
}

/**
 * Tries each, in a tree of this worker's own. Mutants of one file come one after the other; modules are built
 * anew for each that needs them, and as they were for the first that does not.
 */
async function work(queue: Mutant[], trees: Tree[], tell: (verdict: Verdict) => void): Promise<void> {
  const tree = new Tree();
  trees.push(tree);
  for (const name of MODULES) await tree.build(name);
  let dirty = new Set<(typeof MODULES)[number]>();
  for (let mutant = queue.shift(); mutant; mutant = queue.shift()) {
    const modules = modulesOf(mutant);
    for (const name of dirty) if (!modules.includes(name)) await tree.build(name);
    dirty = new Set(modules);
    tell(await verdictOn(tree, mutant));
  }
}

async function run({ only, slice, workers }: Options): Promise<void> {
  const [part = 1, of = 1] = slice.split("/").map(Number);
  const text = (mutant: Mutant) => Object.values(mutant).join("\n");
  const chosen = MUTANTS.filter(
    (mutant, i) => i % of === part - 1 && (!only || new RegExp(only).test(text(mutant))),
  );
  const trees: Tree[] = [];
  process.once("SIGINT", () => process.exit(130));
  process.once("exit", () => {
    for (const tree of trees) tree.remove();
  });
  const first = new Tree();
  trees.push(first);
  for (const name of MODULES) await first.build(name);
  const faults = await faultsBefore(first, chosen);
  if (faults.length > 0) {
    console.error(faults.join("\n"));
    process.exitCode = 1;
    return;
  }
  const verdicts: Verdict[] = [];
  const tell = (verdict: Verdict) => {
    verdicts.push(verdict);
    const { mutant, end, said } = verdict;
    console.log(`${end} ${mutant.file}: ${mutant.from.trim()} -> ${mutant.to.trim() || "nothing"}`);
    if (end !== "killed") console.log(`  ${mutant.test}\n  ${said.slice(0, 1500)}`);
  };
  const queue = [...chosen];
  await Promise.all(Array.from({ length: Number(workers) }, () => work(queue, trees, tell)));
  const count = (end: Verdict["end"]) => verdicts.filter((each) => each.end === end).length;
  const seconds = Math.round(process.uptime());
  console.log(
    `${verdicts.length} mutants: ${count("killed")} killed, ${count("SURVIVED")} survived, ${count("BROKEN")} broken, in ${seconds} s`,
  );
  if (count("killed") < verdicts.length) process.exitCode = 1;
}

await new Command()
  .name("test:mutants")
  .description("Breaks defences of the threat model one at a time; each must make its test fail.")
  .option("--only <expression>", "mutants whose file, change, test or threat match a regular expression")
  .option("--slice <part/of>", "every so many of them, such as 1/4", "1/1")
  .option("--workers <count>", "how many at a time", String(Math.min(availableParallelism(), 8)))
  .action(run)
  .parseAsync();
