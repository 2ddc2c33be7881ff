import { mkdirSync, writeFileSync } from "node:fs";
import { Argument, Command, Option } from "commander";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { campaign, type Finding, shortened } from "./campaign.ts";
import { asciiJson, loadCorpus, saveCorpus } from "./corpus.ts";
import { coverage, percent, total } from "./coverage.ts";
import type { Counted } from "./module.ts";
import { minimised } from "./replay.ts";
import { record } from "./tally.ts";
import { TARGETS } from "./targets/index.ts";

/** `npm run fuzz`: fuzzes parsers of the filters. */

interface Options {
  cases: number;
  seed: number;
  minutes?: number;
  record: boolean;
  keep: boolean;
  by: "file" | "function";
  coverage: boolean;
}

const FINDINGS = new URL("build/fuzz/findings/", PROJECT_ROOT);

function write(target: string, { what, input }: Finding): string {
  mkdirSync(FINDINGS, { recursive: true });
  const file = new URL(`${target}-${Date.now()}.json`, FINDINGS);
  writeFileSync(file, `${JSON.stringify({ what, input: input.toString("latin1") }, null, 2)}\n`);
  return file.pathname;
}

async function fuzz(names: string[], options: Options): Promise<void> {
  const targets = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name));
  const over = new AbortController();
  process.once("SIGINT", () => over.abort());
  const share = (options.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const modules: Counted[] = [];
  let sum = 0;
  let found = 0;
  const end = performance.now() + share;
  for (const [i, target] of targets.entries()) {
    if (over.signal.aborted) break;
    const corpus = loadCorpus(target.name);
    const { cases, seconds, fresh, findings, harness } = await campaign(target, {
      seed: options.seed,
      cases: options.minutes === undefined ? options.cases : Number.POSITIVE_INFINITY,
      milliseconds: (end - performance.now()) / (targets.length - i),
      corpus,
      found: ({ what }) => console.error(`${target.name}: ${what}`),
      signal: over.signal,
    });
    for (const finding of findings) {
      const input = await shortened(target, finding);
      console.error(
        `  ${finding.what.split("\n")[0]}: ${asciiJson(input.toString("latin1")).slice(0, 2000)}`,
      );
      console.error(`  in ${write(target.name, { ...finding, input })}`);
    }
    modules.push(...harness.modules);
    sum += cases;
    found += findings.length;
    const rate = Math.round(cases / seconds).toLocaleString("en");
    const reached = coverage(harness.modules, "file");
    console.log(
      `${target.name.padEnd(18)} ${cases.toLocaleString("en").padStart(13)} cases, ${rate.padStart(9)} a second, ` +
        `${fresh.length} new inputs, ${total(reached).reached} branches, at most ${Math.max(...harness.modules.map((m) => m.mostSteps))} steps, ${findings.length} findings`,
    );
    if (options.record) record(target.name, options.seed, cases, findings.length);
    if (options.keep && !harness.batch && findings.length === 0)
      saveCorpus(target.name, await minimised(target, [...corpus, ...fresh]));
  }
  if (options.coverage) {
    const shares = coverage(modules, options.by);
    for (const each of [...shares, total(shares)])
      console.log(
        `${percent(each).toFixed(1).padStart(6)} % of ${String(each.all).padStart(5)} branches  ${each.name}`,
      );
  }
  console.log(`${sum.toLocaleString("en")} cases, seed ${options.seed}, ${found} findings`);
  if (found > 0) process.exitCode = 1;
}

const whole = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${text} is no whole number`);
  return value;
};

await new Command("fuzz")
  .description(
    "fuzz the parsers of the filters; coverage guides it, and what must hold is checked for each case",
  )
  .addArgument(
    new Argument("[target...]", "what to fuzz (default: all)").choices(TARGETS.map(({ name }) => name)),
  )
  .option("--cases <n>", "cases of each target", whole, 20_000)
  .option("--minutes <n>", "how long in all, instead of --cases", Number)
  .option("--seed <n>", "what all random choices start from", whole, Date.now() % 1_000_000)
  .option("--record", "add the cases to test/fuzz/tally.json", false)
  .option("--keep", "add inputs that reach new branches to test/fuzz/corpus", false)
  .option("--no-coverage", "print no coverage")
  .addOption(
    new Option("--by <unit>", "what coverage is told of").choices(["file", "function"]).default("file"),
  )
  .action(fuzz)
  .parseAsync();
