import { Command, InvalidArgumentError, Option } from "commander";
import { storedResources } from "../deploy/plan.ts";
import { type ConnectOptions, connect, connectOptions } from "../kubernetes/connect.ts";
import { publicKey } from "../oci/keys.ts";
import { parseReference } from "../oci/reference.ts";
import type { Tenant } from "../resources/tenant.ts";
import { DEFAULT_THRESHOLDS } from "../rollout/judge.ts";
import { preflight } from "../rollout/preflight.ts";
import { type Run, rollBack, run } from "../rollout/run.ts";
import { stablePlugin } from "../rollout/slices.ts";
import { isAlive, type Rollout, RolloutStore } from "../rollout/state.ts";
import { table } from "../table.ts";
import { seconds } from "./apply.ts";
import { readUnchecked } from "./resources.ts";

interface GatewayOptions extends ConnectOptions {
  gateway: string;
  namespace?: string;
  filename?: string[];
}

interface StartOptions extends GatewayOptions {
  image: string;
  steps: number[];
  interval: number;
  minRequests: number;
  errorPoints: number;
  latencyFactor: number;
  key?: string;
  envoy?: string;
  plainHttp?: true;
}

export function rolloutCommand(): Command {
  return new Command("rollout")
    .description("bring a new filter to a gateway's pods step by step, and back when it is worse")
    .addCommand(startCommand())
    .addCommand(gatewayCommand("pause", "stop after what is under way; canaries stay as they are", pause))
    .addCommand(
      gatewayCommand("resume", "go on with a rollout that was paused, or whose tool was killed", resume),
    )
    .addCommand(gatewayCommand("undo", "go back to the filter from before the rollout", undo))
    .addCommand(gatewayCommand("status", "how far the rollout is", status))
    .addCommand(gatewayCommand("history", "rollouts that have ended", history));
}

function startCommand(): Command {
  return gatewayCommand<StartOptions>("start", "check a filter, then bring it to more and more pods", start)
    .requiredOption("--image <reference>", "the new filter by digest: oci://host/name@sha256:...")
    .option("--steps <percents>", "percent of the pods, step by step", percents, [5, 25, 100])
    .option("--interval <seconds>", "how long each step is watched", seconds, 60)
    .option(
      "--min-requests <n>",
      "requests that the canaries must have had before a step passes",
      seconds,
      DEFAULT_THRESHOLDS.minimumRequests,
    )
    .option(
      "--error-points <n>",
      "percentage points that their error ratio may be above the rest's",
      Number,
      DEFAULT_THRESHOLDS.errorPoints,
    )
    .option(
      "--latency-factor <n>",
      "times the rest's 99th percentile that theirs may be",
      Number,
      DEFAULT_THRESHOLDS.latencyFactor,
    )
    .option("--key <file>", "public key that the filter must be signed with")
    .option("--envoy <path>", "the Envoy of the dry start (default: as modelgate dev)")
    .option("--plain-http", "speak HTTP to a registry that is not on this machine");
}

function gatewayCommand<O extends GatewayOptions>(
  name: string,
  description: string,
  action: (context: Omit<Run, "rollout">, options: O) => Promise<void>,
): Command {
  const command = new Command(name)
    .description(description)
    .requiredOption("--gateway <namespace/name>", "the gateway; its name is enough when no other has it")
    .option("-n, --namespace <namespace>", "namespace of the gateway")
    .addOption(new Option("-f, --filename <path...>", "Tenants from files instead of the cluster's"));
  for (const option of connectOptions()) command.addOption(option);
  return command.action(async (options: O) => {
    const client = await connect(options);
    const resources = options.filename ? await readUnchecked(options) : await storedResources(client);
    const tenant = find(
      resources.tenants.map(({ resource }) => resource),
      options.namespace === undefined ? options.gateway : `${options.namespace}/${options.gateway}`,
    );
    const store = new RolloutStore(client, tenant);
    await action({ client, tenant, store, say: (line) => console.log(line) }, options);
  });
}

function find(tenants: Tenant[], gateway: string): Tenant {
  const named = tenants.filter(
    ({
      spec: {
        gateway: { name, namespace },
      },
    }) => gateway === name || gateway === `${namespace}/${name}`,
  );
  const [tenant] = named;
  if (!tenant) {
    const known = tenants.map(({ spec }) => `${spec.gateway.namespace}/${spec.gateway.name}`);
    throw new Error(
      `no Tenant has the gateway ${JSON.stringify(gateway)} (there are ${known.join(", ") || "none"})`,
    );
  }
  if (named.length > 1)
    throw new Error(`several gateways are called ${JSON.stringify(gateway)}: say namespace/name`);
  return tenant;
}

async function start(context: Omit<Run, "rollout">, options: StartOptions): Promise<void> {
  const { client, tenant, store, say } = context;
  const before = await store.current();
  if (before && (before.phase === "running" || before.phase === "paused"))
    throw new Error(
      `a rollout of ${before.image} is ${before.phase} (${before.message}): resume or undo it first`,
    );
  if (!parseReference(options.image).digest)
    throw new Error("name the image by digest (oci://host/name@sha256:...), as `modelgate push` prints it");
  if (tenant.spec.gateway.filter.image !== undefined)
    throw new Error(
      `Tenant ${tenant.metadata.name} names its filter in spec.gateway.filter.image, which apply and the controller would bring back: take it out first; the gateway keeps what it runs`,
    );
  const plugin = await stablePlugin(client, tenant);
  if (plugin.spec.url === options.image) throw new Error(`the gateway runs ${options.image} already`);
  await preflight(options.image, {
    key: options.key === undefined ? undefined : await publicKey(options.key),
    envoy: options.envoy,
    plainHttp: options.plainHttp ?? false,
    pluginConfig: plugin.spec.pluginConfig ?? {},
    say,
  });
  const now = new Date().toISOString();
  const rollout: Rollout = {
    image: options.image,
    previous: plugin.spec.url,
    steps: options.steps,
    step: 0,
    phase: "running",
    intervalSeconds: options.interval,
    thresholds: {
      ...DEFAULT_THRESHOLDS,
      minimumRequests: options.minRequests,
      errorPoints: options.errorPoints,
      latencyFactor: options.latencyFactor,
    },
    startedAt: now,
    updatedAt: now,
    message: "started",
  };
  await store.save(rollout);
  await finish({ ...context, rollout });
}

/** Runs a rollout; exit code 1 when it ended in a roll-back. */
async function finish(context: Run): Promise<void> {
  await run(context);
  if (context.rollout.phase === "rolledBack") process.exitCode = 1;
}

async function pause({ store, say }: Omit<Run, "rollout">): Promise<void> {
  const rollout = await underWay(store);
  if (isAlive(rollout)) await store.setWish("pause");
  else await store.save({ ...rollout, phase: "paused", message: "asked to" });
  say(isAlive(rollout) ? "asked the rollout to pause" : "paused");
}

async function resume(context: Omit<Run, "rollout">): Promise<void> {
  const rollout = await underWay(context.store);
  if (isAlive(rollout)) throw new Error("the rollout is running: another process takes it on");
  await context.store.setWish("");
  await finish({ ...context, rollout });
}

async function undo(context: Omit<Run, "rollout">): Promise<void> {
  const rollout = await context.store.current();
  if (!rollout) throw new Error("the gateway never had a rollout");
  if (rollout.phase === "rolledBack") throw new Error("the last rollout was rolled back already");
  if (isAlive(rollout)) {
    await context.store.setWish("undo");
    context.say("asked the rollout to go back");
    return;
  }
  await rollBack({ ...context, rollout }, "asked to");
}

async function underWay(store: RolloutStore): Promise<Rollout> {
  const rollout = await store.current();
  if (!rollout || rollout.phase === "done" || rollout.phase === "rolledBack")
    throw new Error("no rollout is under way");
  return rollout;
}

async function status({ store, say }: Omit<Run, "rollout">): Promise<void> {
  const rollout = await store.current();
  if (!rollout) throw new Error("the gateway never had a rollout");
  const abandoned = rollout.phase === "running" && !isAlive(rollout);
  const steps = rollout.steps.map((percent, index) =>
    index === rollout.step ? `[${percent} %]` : `${percent} %`,
  );
  say(`${rollout.phase}${abandoned ? " (nobody runs it: resume it)" : ""}: ${rollout.message}`);
  say(`image     ${rollout.image}\nprevious  ${rollout.previous}\nsteps     ${steps.join(", ")}`);
  say(`started   ${rollout.startedAt}\nupdated   ${rollout.updatedAt}`);
}

async function history({ store }: Omit<Run, "rollout">): Promise<void> {
  const rows = (await store.history()).map((each) => [
    each.startedAt,
    each.phase,
    parseReference(each.image).digest?.slice(7, 19) ?? "-",
    parseReference(each.previous).digest?.slice(7, 19) ?? "-",
    each.message,
  ]);
  process.stdout.write(table(["started", "end", "image", "previous", "message"], rows));
}

function percents(text: string): number[] {
  const steps = text.split(",").map(Number);
  const ascending = steps.every((step, i) => step > (steps[i - 1] ?? 0) && step <= 100);
  if (!ascending || steps.at(-1) !== 100)
    throw new InvalidArgumentError("must be ascending percents that end with 100, such as 5,25,100");
  return steps;
}
