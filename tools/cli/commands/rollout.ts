import { Command, InvalidArgumentError } from "commander";
import { DEFAULT_THRESHOLDS } from "../../cluster/rollout/judge.ts";
import { preflight } from "../../cluster/rollout/preflight.ts";
import { rollBack, run } from "../../cluster/rollout/run.ts";
import type { Run } from "../../cluster/rollout/running.ts";
import { stablePlugin } from "../../cluster/rollout/slices.ts";
import { isAlive, isOver, type Rollout, type RolloutStore } from "../../cluster/rollout/state.ts";
import { publicKey } from "../../lib/oci/keys.ts";
import { formatReference, parseReference, requireDigest } from "../../lib/oci/reference.ts";
import { stopSignal } from "../../lib/stop-signal.ts";
import { table } from "../../lib/terminal/table.ts";
import type { Seconds } from "../../lib/units.ts";
import { type Gateway, type GatewayOptions, gatewayCommand } from "../options/gateway.ts";
import { seconds } from "../options/units.ts";
import { type Structured, structured, structuredOption } from "../output/structured.ts";

/** Exit code of what Ctrl-C ended. */
const INTERRUPTED = 130;

interface StartOptions extends GatewayOptions {
  image: string;
  steps: number[];
  interval: Seconds;
  minRequests: number;
  errorPoints: number;
  refusalPoints: number;
  latencyFactor: number;
  latencyFloor: number;
  key?: string;
  envoy?: string;
  plainHttp?: true;
}

interface ShowOptions extends GatewayOptions {
  output?: Structured;
}

export function rolloutCommand(): Command {
  return new Command("rollout")
    .description("Roll a new filter out to a gateway step by step, and roll it back if it is worse")
    .addCommand(startCommand())
    .addCommand(gatewayCommand("pause", "Pause the rollout; canaries keep the new filter", pause))
    .addCommand(gatewayCommand("resume", "Resume a rollout that was paused or interrupted", resume))
    .addCommand(gatewayCommand("undo", "Roll back to the filter from before the rollout", undo))
    .addCommand(
      gatewayCommand("status", "Show the progress of the rollout", status).addOption(structuredOption()),
    )
    .addCommand(gatewayCommand("history", "List finished rollouts", history).addOption(structuredOption()));
}

function startCommand(): Command {
  return gatewayCommand<StartOptions>(
    "start",
    "Check a filter, then roll it out to more and more pods",
    start,
  )
    .requiredOption("--image <reference>", "the new filter: oci://host/name@sha256:...")
    .option("--steps <percents>", "percentage of pods at each step", percents, [5, 25, 100])
    .option("--interval <seconds>", "how long to watch each step", seconds, 60)
    .option(
      "--min-requests <n>",
      "requests that canaries must have served before a step passes",
      amount,
      DEFAULT_THRESHOLDS.minimumRequests,
    )
    .option(
      "--error-points <n>",
      "how many percentage points the canaries' error ratio may be above the other pods'",
      amount,
      DEFAULT_THRESHOLDS.errorPoints,
    )
    .option(
      "--refusal-points <n>",
      "how many percentage points the canaries' share of refusals, by reason, may be above the other pods'",
      amount,
      DEFAULT_THRESHOLDS.refusalPoints,
    )
    .option(
      "--latency-factor <n>",
      "how many times the other pods' p50 and p99 the canaries' may be",
      amount,
      DEFAULT_THRESHOLDS.latencyFactor,
    )
    .option(
      "--latency-floor <milliseconds>",
      "latency below which a canary is never too slow",
      amount,
      DEFAULT_THRESHOLDS.latencyFloor,
    )
    .option("--key <file>", "public key that must verify the filter's signature")
    .option("--envoy <path>", "path of Envoy for the dry start (default: as in modelgate dev)")
    .option("--plain-http", "use HTTP for a registry that is not on this machine");
}

async function start(context: Gateway, options: StartOptions): Promise<void> {
  const { client, tenant, store, say } = context;
  const before = await store.current();
  if (before && !isOver(before)) throw new Error(underWayAlready(before));
  const { tag: _, ...reference } = parseReference(options.image);
  requireDigest(reference);
  const image = formatReference(reference);
  if (tenant.spec.gateway.filter.image !== undefined)
    throw new Error(
      `Tenant ${tenant.metadata.name} names its filter in spec.gateway.filter.image, which apply and the controller would bring back: take it out first; the gateway keeps what it runs`,
    );
  const plugin = await stablePlugin(client, tenant);
  if (plugin.spec.url === image) throw new Error(`the gateway runs ${image} already`);
  const version = await preflight(image, {
    key: options.key === undefined ? undefined : await publicKey(options.key),
    envoy: options.envoy,
    plainHttp: options.plainHttp ?? false,
    pluginConfig: plugin.spec.pluginConfig ?? {},
    say,
  });
  const now = new Date().toISOString();
  const rollout: Rollout = {
    image,
    ...(version !== undefined && { version }),
    previous: plugin.spec.url,
    ...(options.plainHttp && { plainHttp: true }),
    steps: options.steps,
    step: 0,
    phase: "running",
    intervalSeconds: options.interval,
    thresholds: {
      minimumRequests: options.minRequests,
      errorPoints: options.errorPoints,
      refusalPoints: options.refusalPoints,
      latencyFactor: options.latencyFactor,
      latencyFloor: options.latencyFloor,
    },
    startedAt: now,
    updatedAt: now,
    message: "started",
    holder: "",
  };
  await store.hold(rollout);
  await finish({ ...context, rollout, signal: stopSignal() });
}

function underWayAlready(rollout: Rollout): string {
  const { image, message } = rollout;
  return isAlive(rollout)
    ? `a rollout of ${image} is running (${message}): wait for it, or pause or undo it`
    : `a rollout of ${image} is ${stateOf(rollout)} (${message}): resume or undo it first`;
}

/** Runs a rollout; exit code 1 when it ended in a roll-back, 130 when it was interrupted. */
async function finish(context: Run): Promise<void> {
  if (!(await run(context))) process.exitCode = INTERRUPTED;
  else if (context.rollout.phase === "rolledBack") process.exitCode = 1;
}

async function pause({ store, say }: Gateway): Promise<void> {
  const rollout = await underWay(store);
  if (rollout.phase === "paused") throw new Error(`the rollout is paused already: ${rollout.message}`);
  if (rollout.phase === "rollingBack") throw new Error(`the rollout is going back: ${rollout.message}`);
  if (isAlive(rollout)) {
    await store.setWish("pause");
    say("asked the rollout to pause");
    return;
  }
  await store.hold(rollout);
  await store.release({ ...rollout, phase: "paused", message: "asked to" });
  say("paused");
}

async function resume(context: Gateway): Promise<void> {
  const rollout = await underWay(context.store);
  if (isAlive(rollout)) throw new Error("the rollout is running: another process takes it on");
  await context.store.hold(rollout);
  await finish({ ...context, rollout, signal: stopSignal() });
}

async function undo(context: Gateway): Promise<void> {
  const { client, tenant, store, say } = context;
  const rollout = await store.current();
  if (!rollout) throw new Error("the gateway never had a rollout");
  if (rollout.phase === "rolledBack") throw new Error("the last rollout was rolled back already");
  if (isAlive(rollout)) {
    await store.setWish("undo");
    say("asked the rollout to go back");
    return;
  }
  const { spec } = await stablePlugin(client, tenant);
  if (rollout.phase === "done" && spec.url !== rollout.image)
    throw new Error(
      `the gateway runs ${spec.url} now, which this rollout did not bring; modelgate apply --image ${rollout.previous} brings back what was there before the rollout`,
    );
  await store.hold(rollout);
  if (!(await rollBack({ ...context, rollout, signal: stopSignal() }, "asked to")))
    process.exitCode = INTERRUPTED;
}

async function underWay(store: RolloutStore): Promise<Rollout> {
  const rollout = await store.current();
  if (!rollout || isOver(rollout)) throw new Error("no rollout is under way");
  return rollout;
}

function stateOf(rollout: Rollout): string {
  const abandoned = !isOver(rollout) && rollout.phase !== "paused" && !isAlive(rollout);
  return `${rollout.phase}${abandoned ? " (nobody runs it: resume it)" : ""}`;
}

async function status({ store, say }: Gateway, { output }: ShowOptions): Promise<void> {
  const rollout = await store.current();
  if (!rollout) throw new Error("the gateway never had a rollout");
  if (output) {
    process.stdout.write(structured(rollout, output));
    return;
  }
  const steps = rollout.steps.map((percent, index) =>
    index === rollout.step ? `[${percent} %]` : `${percent} %`,
  );
  say(`${stateOf(rollout)}: ${rollout.message}`);
  say(`image     ${rollout.image}\nprevious  ${rollout.previous}\nsteps     ${steps.join(", ")}`);
  say(`started   ${rollout.startedAt}\nupdated   ${rollout.updatedAt}`);
}

async function history({ store }: Gateway, { output }: ShowOptions): Promise<void> {
  const rollouts = await store.history();
  if (output) {
    process.stdout.write(structured({ rollouts }, output));
    return;
  }
  const rows = rollouts.map((each) => [
    each.startedAt,
    each.phase,
    parseReference(each.image).digest?.slice(7, 19) ?? "-",
    parseReference(each.previous).digest?.slice(7, 19) ?? "-",
    each.message,
  ]);
  process.stdout.write(table(["started", "end", "image", "previous", "message"], rows));
}

function amount(text: string): number {
  const value = Number(text);
  // The state of a rollout is JSON, which has no Infinity.
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("must be a number of 0 or more");
  return value;
}

function percents(text: string): number[] {
  const steps = text.split(",").map(Number);
  const ascending = steps.every((step, i) => step > (steps[i - 1] ?? 0) && step <= 100);
  if (!ascending || steps.at(-1) !== 100)
    throw new InvalidArgumentError("must be ascending percents that end with 100, such as 5,25,100");
  return steps;
}
