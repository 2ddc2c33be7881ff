import { writeFile } from "node:fs/promises";
import { extname } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ConnectOptions, connect, connectOptions } from "../kubernetes/connect.ts";
import { findCapacity, inFlightAt, type Step, stepOf } from "../loadtest/capacity.ts";
import { constantRate, type LoadResult, openLoop } from "../loadtest/open-loop.ts";
import { recordedArrivals } from "../loadtest/replay.ts";
import { htmlReport, stepsTable, svgReport, terminalReport } from "../loadtest/report.ts";
import { compareRuns, readRun, type SavedRun, savedRun, saveRun } from "../loadtest/saved-run.ts";
import { formatSlo, parseSlo, type Slo } from "../loadtest/slo.ts";
import { type TaskStore, tasksOfCluster, tasksOfFiles } from "../loadtest/task-store.ts";
import type { PreparedRequest } from "../model-client/connection.ts";
import { connectFor, prepareRequests } from "../model-client/prepare.ts";
import { durationMilliseconds } from "../resources/fields.ts";
import type { ModelTask } from "../resources/model-task.ts";
import type { ModelRequest } from "../resources/warm-up.ts";
import { table } from "../table.ts";
import { servingPort } from "../warmup/specification.ts";
import { fileOption, namespaceOption, recursiveOption } from "./resources.ts";
import { chooseTask, jsonArgument, wholeNumber } from "./task-options.ts";

interface Options extends ConnectOptions {
  filename?: string[];
  recursive?: true;
  namespace?: string;
  address?: string;
  header: Record<string, string>;
  request?: object;
  proto?: string[];
  protoPath?: string[];
  slo: Slo;
  from: number;
  maxRate: number;
  growth: number;
  precision: number;
  duration: string;
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
}

/** Time before the first step in which connections open and the server and this process get going; not counted. */
const WARM_UP_SECONDS = 2;
/** A generator that sends later than this share of the objective measures itself. */
const LATE_SHARE = 0.2;

export function loadtestCommand(): Command {
  const command = new Command("loadtest")
    .description(
      "find how many requests a second a task's model server holds at an objective, by open-loop load",
    )
    .argument("[task]", "the ModelTask, by name or task id (default: the only one there)")
    .addOption(fileOption())
    .addOption(recursiveOption())
    .addOption(namespaceOption())
    .option(
      "--address <address>",
      "host:port of the model server, or URL of a gateway (default: 127.0.0.1 and the task's port)",
    )
    .option(
      "-H, --header <header>",
      "header of each request, such as 'x-api-key: ...'; may be given again",
      header,
      {},
    )
    .option("--request <json>", "the request, as in spec.warmUp.request (default: the task's)", jsonArgument)
    .option("--proto <file...>", "definitions of other gRPC methods (default: the server's reflection)")
    .option("--proto-path <folder...>", "where their imports are")
    .addOption(
      new Option("--slo <objective>", "what must hold")
        .argParser(slo)
        .default(parseSlo("p99=200ms"), "p99=200ms,errors=0.1%"),
    )
    .option("--from <rate>", "first rate, requests a second", positive, 10)
    .option("--max-rate <rate>", "no more than this", positive, 100_000)
    .option(
      "--growth <factor>",
      "each step's rate over the one before, until one breaks the objective",
      factor,
      1.5,
    )
    .option("--precision <percent>", "how near the capacity is to be found", percent, 3)
    .option("--duration <duration>", "of each step; many times the objective's latency", "10s")
    .option("--connections <number>", "HTTP/2 connections", wholeNumber, 4)
    .option("--replicas <number>", "replicas behind the address, which share the load", wholeNumber, 1)
    .option(
      "--write",
      "write the result into the ModelTask as limits.perReplica: the file's, else the cluster's",
    )
    .option("--headroom <percent>", "with --write: keep so much of the capacity back", percent, 0)
    .option(
      "--replay <file>",
      "send as the task's requests came by this access log, once, instead of a search",
    )
    .option("--speed <factor>", "with --replay: 2 sends them in half the time", positive, 1)
    .option("--save <file>", "keep the result, for --baseline")
    .option(
      "--baseline <file>",
      "compare with a result that was kept; exits with 1 when a replica holds less",
    )
    .option("--tolerance <percent>", "with --baseline: so much less is no loss", percent, 10)
    .option("--report <file...>", "write the plot: .svg, or .html with the steps", [])
    .addHelpText(
      "after",
      "\nArrivals are constant and wait for no answer. Latency counts from when a request was to be sent, so a stall is charged for all that came meanwhile." +
        "\nCtrl-C ends the search; what was found so far is printed.",
    )
    .action(loadtest);
  for (const option of connectOptions()) command.addOption(option);
  return command;
}

async function loadtest(name: string | undefined, options: Options): Promise<void> {
  const baseline = options.baseline === undefined ? undefined : await readRun(options.baseline);
  for (const file of options.report)
    if (![".svg", ".html"].includes(extname(file)))
      throw new Error(`--report ${file}: must end with .svg or .html`);
  const store = await openTasks(options);
  const task = chooseTask(store.tasks, name);
  const generator = await openGenerator(task, options);
  const stop = new AbortController();
  process.removeAllListeners("SIGINT");
  process.once("SIGINT", () => stop.abort());
  try {
    if (options.replay !== undefined) return await replay(task, generator, options, stop.signal);
    const run = await search(task, generator, options, stop.signal);
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

interface Generator {
  /** Runs a schedule of times in milliseconds. */
  run(schedule: Iterable<number>, signal: AbortSignal): Promise<LoadResult>;
  close(): void;
}

async function openGenerator(task: ModelTask, options: Options): Promise<Generator> {
  const {
    address = `127.0.0.1:${servingPort(task)}`,
    connections,
    proto: protos,
    protoPath: protoPaths,
  } = options;
  const origin = /^https?:\/\//.test(address) ? address : `http://${address}`;
  const { warmUp, conversion, taskid, timeout } = task.spec;
  const request = (options.request as ModelRequest | undefined) ?? warmUp.request;
  if (!request)
    throw new Error(`ModelTask ${task.metadata.name}: has no warmUp.request: give one with --request`);
  const requests = (
    await prepareRequests(request, { origin, protocol: conversion.protocol, protos, protoPaths })
  ).map((each): PreparedRequest => ({ ...each, headers: { taskid, ...options.header } }));
  const connection = connectFor(requests, origin, connections);
  return {
    run: (schedule, signal) =>
      openLoop({ connection, requests, schedule, timeout: durationMilliseconds(timeout), signal }),
    close: () => connection.close(),
  };
}

async function search(
  task: ModelTask,
  generator: Generator,
  options: Options,
  signal: AbortSignal,
): Promise<SavedRun> {
  const { slo, from, maxRate, growth, precision, duration, replicas } = options;
  const seconds = durationMilliseconds(duration) / 1000;
  const longest = Math.max(...slo.latencies.map(({ milliseconds }) => milliseconds));
  if (seconds * 1000 < 10 * longest)
    console.error(
      `steps of ${duration} are short for an objective of ${longest} ms: overload may not show in them`,
    );
  await generator.run(constantRate(from, WARM_UP_SECONDS), signal);
  const capacity = await findCapacity({
    ...{ slo, from, growth, signal, to: maxRate, precision: precision / 100, pause: 2 * longest },
    run: (rate) => generator.run(constantRate(rate, seconds), signal),
    onStep: (step) => console.error(describe(step, longest)),
  });
  return savedRun(capacity, { task: task.metadata.name, slo: formatSlo(slo), replicas });
}

function describe({ rate, p50, p99, breaches, lateness }: Step, longest: number): string {
  const late =
    lateness > longest * LATE_SHARE
      ? `  (this generator sent up to ${lateness.toFixed(0)} ms late: it may be the limit)`
      : "";
  return `${rate.toFixed(1).padStart(9)}/s  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  ${breaches.join("; ") || "held"}${late}`;
}

async function tell(run: SavedRun, options: Options, baseline: SavedRun | undefined): Promise<void> {
  process.stdout.write(`${stepsTable(run)}\n${terminalReport(run)}\n`);
  const knee = run.steps.findLast(({ rate, breaches }) => rate === run.capacity && breaches.length === 0);
  if (knee)
    console.log(
      `${run.task}: ${run.isFound ? "" : "at least "}${(run.capacity / run.replicas).toFixed(1)} requests a second per replica at ${run.slo}; ` +
        `${(inFlightAt(knee) / run.replicas).toFixed(1)} in flight per replica there`,
    );
  else console.log(`${run.task}: no rate from ${options.from}/s on holds ${run.slo}`);
  for (const file of options.report)
    await writeFile(file, extname(file) === ".html" ? htmlReport(run, baseline) : svgReport(run, baseline));
  if (options.save !== undefined) await saveRun(options.save, run);
  if (!knee) process.exitCode = 1;
  if (!baseline) return;
  const { rows, change } = compareRuns(baseline, run);
  process.stdout.write(`\n${table(["", "baseline", "now", "change"], rows)}`);
  if (change < -options.tolerance / 100) process.exitCode = 1;
}

/** @throws Error when no capacity was found, so that no limit is set by half a search */
async function write(store: TaskStore, task: ModelTask, run: SavedRun, { headroom }: Options): Promise<void> {
  if (!run.isFound || run.capacity === 0)
    throw new Error("--write: the capacity was not found, so nothing was written");
  const exact = (run.capacity / run.replicas) * (1 - headroom / 100);
  const perReplica = exact >= 10 ? Math.floor(exact) : Math.floor(exact * 10) / 10;
  const place = await store.writePerReplica(task, perReplica);
  console.log(`limits.perReplica: ${perReplica} written into ${place}`);
}

async function replay(
  task: ModelTask,
  generator: Generator,
  { replay: file, speed, slo }: Options,
  signal: AbortSignal,
): Promise<void> {
  const arrivals = await recordedArrivals(file ?? "", task.spec.taskid, speed);
  const seconds = Math.max((arrivals.at(-1) ?? 0) / 1000, 1e-3);
  const step = stepOf(arrivals.length / seconds, await generator.run(arrivals, signal), slo);
  console.log(`${step.sent} requests in ${seconds.toFixed(1)} s`);
  console.log(describe(step, Math.max(...slo.latencies.map(({ milliseconds }) => milliseconds))).trim());
  if (step.breaches.length > 0) process.exitCode = 1;
}

function header(text: string, headers: Record<string, string>): Record<string, string> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("must be 'name: value'");
  return { ...headers, [name.toLowerCase()]: value };
}

function slo(text: string): Slo {
  try {
    return parseSlo(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("must be a number above 0");
  return value;
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value > 1)) throw new InvalidArgumentError("must be a number above 1");
  return value;
}

function percent(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value < 100))
    throw new InvalidArgumentError("must be a percentage from 0 to below 100");
  return value;
}
