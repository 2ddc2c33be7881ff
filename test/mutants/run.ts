import { availableParallelism } from "node:os";
import { Command } from "commander";
import { isOfFilters, type Mutant, testOf } from "./mutant.ts";
import { MUTANTS } from "./table/index.ts";
import { Killed } from "./verdicts.ts";
import type { Done, Job } from "./worker.ts";
import { Workers } from "./workers.ts";

/** `npm run test:mutants`: breaks one defence after the other, and says which nobody misses. */

interface Options {
  only?: string;
  slice: string;
  workers: string;
  resume: boolean;
}

type End = "killed" | "SURVIVED" | "BROKEN";

function chosen({ only, slice, resume }: Options, killed: Killed): Mutant[] {
  const [part = 1, of = 1] = slice.split("/").map(Number);
  const expression = only === undefined ? undefined : new RegExp(only);
  return MUTANTS.filter((_, i) => i % of === part - 1)
    .filter((mutant) => !expression || expression.test(Object.values(mutant).join("\n")))
    .filter((mutant) => !resume || !killed.has(mutant));
}

/**
 * Each named test must be there and pass before anything is changed.
 * @returns test files of which that is not so, and what is wrong
 */
async function faultsBefore(workers: Workers, mutants: Mutant[]): Promise<Map<string, string[]>> {
  const faults = new Map<string, string[]>();
  const ofOneKind = (mutant: Mutant) => `${testOf(mutant).file} ${isOfFilters(mutant)}`;
  const jobs = [...Map.groupBy(mutants, ofOneKind).values()].map((group): Job => {
    const [first] = group as [Mutant];
    const names = [...new Set(group.map((each) => testOf(each).name))];
    return { kind: "check", file: testOf(first).file, names, ofFilters: isOfFilters(first) };
  });
  await workers.run(jobs, (job, done) => {
    const found = job.kind === "check" ? faultsOf(job, done) : [];
    if (job.kind === "check" && found.length > 0) faults.set(job.file, found);
  });
  return faults;
}

function faultsOf({ file, names }: Extract<Job, { kind: "check" }>, done: Done): string[] {
  if ("broken" in done) return [`${file}: ${done.broken}`];
  const { passed, failed, said } = done;
  const absent = names.filter((name) => ![...passed, ...failed].some((each) => each.includes(name)));
  return [
    ...failed.map((name) => `${file}: ${name} fails before any change: ${said.slice(0, 500)}`),
    ...absent.map((name) => `${file} has no test: ${name}; ${said.slice(0, 500)}`),
  ];
}

function endOf(mutant: Mutant, done: Done): End {
  if ("broken" in done) return mutant.endless && done.endless ? "killed" : "BROKEN";
  if (done.failed.length > 0) return "killed";
  return done.passed.length > 0 ? "SURVIVED" : "BROKEN";
}

async function run(options: Options): Promise<void> {
  const killed = Killed.read();
  const mutants = chosen(options, killed);
  const workers = new Workers(Number(options.workers));
  process.once("SIGINT", () => process.exit(130));
  process.once("SIGTERM", () => process.exit(143));
  process.once("exit", () => workers.end());
  const faults = await faultsBefore(workers, mutants);
  for (const fault of [...faults.values()].flat()) console.error(fault);
  const sound = mutants.filter((mutant) => !faults.has(testOf(mutant).file));
  console.log(`${sound.length} mutants, whose tests pass before; after ${seconds()} s`);
  const ends: Record<End, number> = { killed: 0, SURVIVED: 0, BROKEN: mutants.length - sound.length };
  const jobs = sound.map((mutant): Job => ({ kind: "break", mutant }));
  await workers.run(jobs, (job, done) => {
    if (job.kind !== "break") return;
    const { mutant } = job;
    const end = endOf(mutant, done);
    ends[end]++;
    if (end === "killed") killed.add(mutant);
    console.log(`${end} ${mutant.file}: ${mutant.from.trim()} -> ${mutant.to.trim() || "nothing"}`);
    const said = "broken" in done ? done.broken : done.said;
    if (end !== "killed") console.log(`  ${mutant.test}\n  ${said.slice(0, 1500)}`);
  });
  console.log(
    `${mutants.length} mutants: ${ends.killed} killed, ${ends.SURVIVED} survived, ${ends.BROKEN} broken, in ${seconds()} s`,
  );
  process.exit(ends.killed < mutants.length ? 1 : 0);
}

const seconds = () => Math.round(process.uptime());

await new Command()
  .name("test:mutants")
  .description("Breaks defences of the threat model one at a time; each must make its test fail.")
  .option("--only <expression>", "mutants whose file, change, test or threat match a regular expression")
  .option("--slice <part/of>", "every so many of them, such as 1/4", "1/1")
  .option("--resume", "leaves out what was killed before, if its source and its test file are as then", false)
  .option("--workers <count>", "how many at a time", String(Math.min(availableParallelism(), 8)))
  .action(run)
  .parseAsync();
