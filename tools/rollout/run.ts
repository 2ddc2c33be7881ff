import { setTimeout as sleep } from "node:timers/promises";
import { type GatewayPod, gatewayPods, runningFilter } from "../deploy/gateways.ts";
import { envoyAdmin } from "../envoy/admin.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import { concurrently } from "../kubernetes/concurrently.ts";
import { parseReference } from "../oci/reference.ts";
import type { Tenant } from "../resources/tenant.ts";
import { judge, judgeLatency } from "./judge.ts";
import { difference, NOTHING, parseStats, type Sample, STATS_FILTER, sum } from "./sample.ts";
import { createCanaryPlugin, deleteCanaryPlugin, setCanaries, setStableImage } from "./slices.ts";
import type { Rollout, RolloutStore } from "./state.ts";

const POLL_MS = 1000;
const CONCURRENCY = 8;
/** Time for istiod and pilot-agent to bring a filter to a pod. */
const DELIVERY_TIMEOUT_MS = 60_000;
/** A step that sees too few requests is watched this many times as long, then the rollout pauses. */
const PATIENCE = 10;

export interface Run {
  client: KubernetesClient;
  tenant: Tenant;
  store: RolloutStore;
  rollout: Rollout;
  say: (line: string) => void;
}

type Verdict = { kind: "passed" } | { kind: "bad" | "pause" | "undo"; message: string };

/** Takes a rollout from its current step to its end, to a pause, or back. It may be started again at any point. */
export async function run(context: Run): Promise<void> {
  const { client, tenant, store, rollout, say } = context;
  await createCanaryPlugin(client, tenant, rollout.image);
  for (; rollout.step < rollout.steps.length; rollout.step++) {
    const percent = rollout.steps[rollout.step] as number;
    await save(context, "running", `step ${rollout.step + 1} of ${rollout.steps.length}: ${percent} %`);
    const canaries = await setCanaries(client, tenant, percent);
    say(
      `step ${rollout.step + 1} of ${rollout.steps.length}: ${percent} %, ${canaries.length} pods try the new filter`,
    );
    const verdict = (await delivered(context, canaries)) ?? (await watch(context));
    if (verdict.kind === "pause") {
      await store.setWish("");
      await save(context, "paused", verdict.message);
      say(`paused: ${verdict.message}`);
      return;
    }
    if (verdict.kind !== "passed") return rollBack(context, verdict.message);
  }
  await setStableImage(client, tenant, rollout.image);
  await setCanaries(client, tenant, 0);
  await allRun(context, await gatewayPods(client, tenant), rollout.image);
  await deleteCanaryPlugin(client, tenant);
  await save(context, "done", "every pod runs the new filter");
  say(`done: every pod runs ${rollout.image}`);
}

/** Takes the canaries, and the fleet if it has come so far, back to the image of before. */
export async function rollBack(context: Run, message: string): Promise<void> {
  const { client, tenant, rollout, say } = context;
  await setCanaries(client, tenant, 0);
  await setStableImage(client, tenant, rollout.previous);
  say(`rolling back: ${message}`);
  await allRun(context, await gatewayPods(client, tenant), rollout.previous);
  await deleteCanaryPlugin(client, tenant);
  await save(context, "rolledBack", message);
  say(`rolled back: every pod runs ${rollout.previous}`);
}

async function save({ store, rollout }: Run, phase: Rollout["phase"], message: string): Promise<void> {
  Object.assign(rollout, { phase, message });
  await store.save(rollout);
}

/** Waits until the canaries run the new filter. @returns what speaks against going on */
async function delivered(context: Run, canaries: GatewayPod[]): Promise<Verdict | undefined> {
  if (await allRun(context, canaries, context.rollout.image)) return undefined;
  return { kind: "bad", message: "pods did not take the new filter; see the log of their istio-proxy" };
}

async function allRun(
  { client, tenant, store, rollout }: Run,
  pods: GatewayPod[],
  image: string,
): Promise<boolean> {
  const { digest } = parseReference(image);
  for (const deadline = Date.now() + DELIVERY_TIMEOUT_MS; Date.now() < deadline; await sleep(POLL_MS / 2)) {
    const running = await concurrently(pods, CONCURRENCY, (pod) =>
      runningFilter(client, pod, tenant).catch(() => undefined),
    );
    if (running.every((filter) => filter?.digest === digest)) return true;
    await store.save(rollout);
  }
  return false;
}

/** Watches a step for its time, once a second, and longer while there are too few requests. */
async function watch(context: Run): Promise<Verdict> {
  const { store, rollout, say } = context;
  const { intervalSeconds, thresholds } = rollout;
  const started = Date.now();
  const first = await sample(context);
  for (;;) {
    await sleep(POLL_MS);
    const [wish, now] = await Promise.all([store.wish(), sample(context), store.save(rollout)]);
    // A pod that is new, or could not be asked before, counts from here.
    for (const [name, pod] of now) if (!first.has(name)) first.set(name, pod);
    const delta = (slice: string) =>
      sum(
        [...now]
          .filter(([, pod]) => pod.slice === slice)
          .map(([name, pod]) => difference(first.get(name)?.sample ?? NOTHING, pod.sample)),
      );
    const [canary, stable] = [delta("canary"), delta("stable")];
    const rest = stable.requests > 0 ? stable : (rollout.baseline ?? NOTHING);
    const faults = judge(canary, rest, thresholds);
    if (faults.length > 0) return { kind: "bad", message: faults.join("; ") };
    if (wish === "undo") return { kind: "undo", message: "asked to" };
    if (wish === "pause") return { kind: "pause", message: "asked to" };
    const seconds = (Date.now() - started) / 1000;
    if (seconds < intervalSeconds) continue;
    if (canary.requests >= thresholds.minimumRequests) {
      const slow = judgeLatency(canary, stable, thresholds);
      if (slow.length > 0) return { kind: "bad", message: slow.join("; ") };
      if (stable.requests > 0) rollout.baseline = stable;
      say(
        `  ${canary.requests} requests, ${canary.errors} failed, as in the rest of the fleet (${rest.errors} of ${rest.requests})`,
      );
      return { kind: "passed" };
    }
    if (seconds > intervalSeconds * PATIENCE)
      return {
        kind: "pause",
        message: `only ${canary.requests} requests in ${seconds.toFixed(0)} s, ${thresholds.minimumRequests} are needed to judge; resume goes on watching`,
      };
  }
}

async function sample({ client, tenant }: Run): Promise<Map<string, { slice: string; sample: Sample }>> {
  const pods = await gatewayPods(client, tenant);
  const path = `/stats?histogram_buckets=disjoint&filter=${encodeURIComponent(STATS_FILTER)}`;
  const samples = await concurrently(pods, CONCURRENCY, async (pod) => {
    const text = await envoyAdmin(client, pod, path).catch(() => undefined);
    return text === undefined ? [] : [[pod.name, { slice: pod.slice, sample: parseStats(text) }] as const];
  });
  return new Map(samples.flat());
}
