import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { Command, Option } from "commander";
import type { ModelTask } from "../../api/model-task.ts";
import type { ModelRequest } from "../../api/warm-up.ts";
import { type ConnectOptions, connect, connectOptions } from "../../lib/kubernetes/connect.ts";
import { table } from "../../lib/terminal/table.ts";
import type { Milliseconds } from "../../lib/units.ts";
import { findCapacity, inFlightAt, stepOf } from "../../serving/loadtest/capacity.ts";
import { type Generator, openGenerator } from "../../serving/loadtest/generator.ts";
import { constantRate } from "../../serving/loadtest/open-loop.ts";
import { recordedArrivals } from "../../serving/loadtest/replay.ts";
import {
  htmlReport,
  longestLatency,
  stepLine,
  stepsTable,
  svgReport,
  terminalReport,
} from "../../serving/loadtest/report.ts";
import {
  compareRuns,
  kneeOf,
  readRun,
  type SavedRun,
  savedRun,
  saveRun,
} from "../../serving/loadtest/saved-run.ts";
import { formatSlo, parseSlo, type Slo } from "../../serving/loadtest/slo.ts";
import { type TaskStore, tasksOfCluster, tasksOfFiles } from "../../serving/loadtest/task-store.ts";
import {
  count,
  factor,
  header,
  percent,
  positive,
  precision,
  requestArgument,
  slo,
  stepDuration,
} from "../options/loadtest.ts";
import { fileOption, namespaceOption, recursiveOption } from "../options/resource-files.ts";
import { chooseTask } from "../options/task.ts";
import { type Structured, structured, structuredOption } from "../output/structured.ts";

interface Options extends ConnectOptions {
  filename?: string[];
  recursive?: true;
  namespace?: string;
  address?: string;
  header: Record<string, string>;
  request?: ModelRequest;
  proto?: string[];
  protoPath?: string[];
  slo: Slo;
  from: number;
  maxRate: number;
  growth: number;
  precision: number;
  duration: Milliseconds;
  connections: number;
  replicas: number;
  write?: true;
  headroom: number;
  replay?: string;
  speed: number;
  save?: string;
  baseline?: string;
  tolerance: number;
  report: string[];
  stream: boolean;
  output?: Structured;
}

/**
 * Time before the first step in which connections open and the server and this process get going; not
 * counted.
 */
const WARM_UP_SECONDS = 2;
/** Length of a step, in latencies of the objective, below which overload may not show. */
const SHORTEST_STEP = 10;
export function loadtestCommand(): Command {
  const command = new Command("loadtest")
    .description("Find how many requests per second a model server handles within an objective")
    .argument("[task]", "name or task id of the ModelTask (default: the only one)")
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .option(
      "--address <address>",
      "host:port of the model server, or URL of a gateway (default: 127.0.0.1 and the task's port)",
    )
    .option(
      "-H, --header <header>",
      "header of each request, such as 'x-api-key: ...'; repeatable",
      header,
      {},
    )
    .option(
      "--request <json>",
      "the request, as in spec.warmUp.request (default: the task's)",
      requestArgument,
    )
    .option("--proto <file...>", "proto files of other gRPC methods (default: the server's reflection)")
    .option("--proto-path <folder...>", "folders of the proto files' imports")
    .addOption(
      new Option("--slo <objective>", "objective to keep")
        .argParser(slo)
        .default(parseSlo("p99=200ms"), "p99=200ms,errors=0.1%"),
    )
    .option("--from <rate>", "first rate, in requests per second", positive, 10)
    .option("--max-rate <rate>", "highest rate, in requests per second", positive, 100_000)
    .option("--growth <factor>", "factor between steps, until one breaks the objective", factor, 1.5)
    .option("--precision <percent>", "precision of the result", precision, 3)
    .addOption(
      new Option("--duration <duration>", "length of each step; must be many times the objective's latency")
        .argParser(stepDuration)
        .default(10_000, "10s"),
    )
    .option("--connections <number>", "number of HTTP/2 connections", count, 4)
    .option("--replicas <number>", "number of replicas that share the load", count, 1)
    .option(
      "--write",
      "write the result to the ModelTask, in the file or else the cluster, as limits.perReplica, and of a language model as openai.tokenLimits.perReplica",
    )
    .option("--headroom <percent>", "with --write: part of the capacity to keep in reserve", percent, 0)
    .option(
      "--replay <file>",
      "replay the task's requests from this access log, instead of searching the capacity",
    )
    .option("--speed <factor>", "with --replay: 2 replays in half the time", positive, 1)
    .option("--save <file>", "save the result, for --baseline")
    .option("--baseline <file>", "compare with a saved result; exit code 1 if a replica handles less")
    .option("--tolerance <percent>", "with --baseline: loss to accept", percent, 10)
    .option("--report <file...>", "write a report: .svg, or .html with the steps", [])
    .option("--no-stream", "ask a language model for whole answers (default: streams)")
    .addOption(structuredOption())
    .addHelpText(
      "after",
      "\nRequests are sent at a constant rate (open loop). Latency counts from the time a request was due, so a stall counts for every request that it delays." +
        "\nOf a language model, --slo may bound the time to the first token and per token: ttft-p99=500ms,tpot-p90=40ms." +
        "\nCtrl-C ends the search and prints the results so far.",
    )
    .action(loadtest);
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

async function loadtest(name: string | undefined, options: Options): Promise<void> {
  const baseline = options.baseline === undefined ? undefined : await readRun(options.baseline);
  if (options.write && options.filename?.includes("-"))
    throw new Error("--write: stdin can't be edited: name a file with -f");
  for (const file of options.report)
    if (![".svg", ".html"].includes(extname(file)))
      throw new Error(`--report ${file}: must end with .svg or .html`);
  const store = await openTasks(options);
  const task = chooseTask(store.tasks, name);
  const stop = new AbortController();
  const { proto: protos, protoPath: protoPaths } = options;
  const { address, header: headers, request, connections, stream } = options;
  const { signal } = stop;
  const generator = await openGenerator(task, {
    ...{ address, headers, request, protos, protoPaths, connections, stream, signal },
  });
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", () => stop.abort());
  try {
    if (options.replay !== undefined) return await replay(task, generator, options);
    const run = await search(task, generator, options, signal);
    if (run.steps.length === 0) throw new Error("ended before the first rate was measured");
    await tell(run, options, baseline);
    if (options.write) await write(store, task, run, options);
  } finally {
    generator.close();
  }
}

function openTasks({ filename, recursive, namespace, ...options }: Options): Promise<TaskStore> {
  if (filename) return tasksOfFiles(filename, recursive ?? false);
  return connect(options).then((client) => tasksOfCluster(client, namespace));
}

async function search(
  task: ModelTask,
  generator: Generator,
  options: Options,
  signal: AbortSignal,
): Promise<SavedRun> {
  const { slo, from, maxRate, growth, precision, duration, replicas } = options;
  const longest = longestLatency(slo);
  if (duration < SHORTEST_STEP * longest)
    console.error(
      `steps of ${duration} ms are short for an objective of ${longest} ms: overload may not show in them`,
    );
  await generator.run(constantRate(from, WARM_UP_SECONDS));
  const capacity = await findCapacity({
    ...{ slo, from, growth, signal, to: maxRate, precision: precision / 100, pauseMs: 2 * longest },
    run: (rate) => generator.run(constantRate(rate, duration / 1000)),
    onStep: (step) => console.error(stepLine(step, slo)),
  });
  return savedRun(capacity, { task: task.metadata.name, slo: formatSlo(slo), replicas });
}

async function tell(run: SavedRun, options: Options, baseline: SavedRun | undefined): Promise<void> {
  const knee = kneeOf(run);
  process.stdout.write(options.output ? structured(run, options.output) : told(run, options.from));
  for (const file of options.report)
    await writeFile(file, extname(file) === ".html" ? htmlReport(run, baseline) : svgReport(run, baseline));
  if (options.save !== undefined) await saveRun(options.save, run);
  if (!knee) process.exitCode = 1;
  if (!baseline) return;
  const { rows, change } = compareRuns(baseline, run);
  if (!options.output) process.stdout.write(`\n${table(["", "baseline", "now", "change"], rows)}`);
  if (change < -options.tolerance / 100) process.exitCode = 1;
}

/** For people. @param from the first rate */
function told(run: SavedRun, from: number): string {
  const knee = kneeOf(run);
  const result = knee
    ? `${run.isFound ? "" : "at least "}${(run.capacity / run.replicas).toFixed(1)} requests a second per replica at ${run.slo}; ` +
      `${(inFlightAt(knee) / run.replicas).toFixed(1)} in flight per replica there`
    : `${run.isFound ? `no rate from ${from}/s down` : "no rate so far"} holds ${run.slo}`;
  return `${stepsTable(run)}\n${terminalReport(run)}\n${run.task}: ${result}\n`;
}

/** @throws Error when no capacity was found, so that no limit is set by half a search */
async function write(store: TaskStore, task: ModelTask, run: SavedRun, options: Options): Promise<void> {
  if (!run.isFound || run.capacity === 0)
    throw new Error("--write: the capacity was not found, so nothing was written");
  const ofReplica = (exact: number) => {
    const kept = (exact / run.replicas) * (1 - options.headroom / 100);
    return kept >= 10 ? Math.floor(kept) : Math.floor(kept * 10) / 10;
  };
  const perReplica = ofReplica(run.capacity);
  const tokens = kneeOf(run)?.tokens;
  const tokensPerReplica = tokens && Math.max(1, ofReplica(tokens.allPerSecond));
  const place = await store.writePerReplica(task, perReplica, tokensPerReplica);
  const tell = options.output ? console.error : console.log;
  tell(`limits.perReplica: ${perReplica} written into ${place}`);
  if (tokensPerReplica !== undefined) tell(`openai.tokenLimits.perReplica: ${tokensPerReplica} written, too`);
}

async function replay(
  task: ModelTask,
  generator: Generator,
  { replay: file = "", speed, slo, output }: Options,
): Promise<void> {
  const arrivals = await recordedArrivals(file, task.spec.taskid, speed);
  const seconds = Math.max((arrivals.at(-1)?.at ?? 0) / 1000, 1e-3);
  const step = stepOf(arrivals.length / seconds, await generator.replay(arrivals), slo);
  if (output) process.stdout.write(structured(step, output));
  else console.log(`${step.sent} requests in ${seconds.toFixed(1)} s\n${stepLine(step, slo).trim()}`);
  if (step.breaches.length > 0) process.exitCode = 1;
}
