import { setTimeout as sleep } from "node:timers/promises";
import { envoyAdmin } from "../../lib/envoy/admin.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { concurrently } from "../../lib/kubernetes/concurrently.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { type GatewayPod, gatewayPods, runningFilter, toldVersions } from "../deploy/gateways.ts";
import { judge } from "./judge.ts";
import { judgeLatency, type Window } from "./latency.ts";
import type { Run } from "./running.ts";
import { difference, NOTHING, parseStats, type Sample, STATS_FILTER, sum } from "./sample.ts";
import { setCanaries } from "./slices.ts";

type Verdict = { kind: "passed" } | { kind: "bad" | "pause" | "undo"; message: string };
type Samples = Map<string, { slice: string; sample: Sample }>;

const POLL_MS = 1000;
const CONCURRENCY = 8;
/** Time for istiod and pilot-agent to load a filter into a pod. */
const DELIVERY_TIMEOUT_MS = 60_000;
/** A step that sees too few requests is watched this many times as long, then the rollout pauses. */
const PATIENCE = 10;

/**
 * Watches a step once a second, from before its canaries get the new filter: for its time from when all of
 * them run it, and longer while there is too little to judge by. Meanwhile the canaries' share is kept as
 * pods come and go.
 * @param first what each pod had counted before the step
 */
export async function watch(context: Run, percent: number, first: Samples): Promise<Verdict> {
  const { client, tenant, store, rollout, say, signal } = context;
  const { intervalSeconds, thresholds } = rollout;
  const windows: Window[] = [];
  let last = first;
  const started = Date.now();
  let delivered: number | undefined;
  for (;;) {
    await sleep(POLL_MS, undefined, { signal });
    const [{ canaries, pods }, wish] = await Promise.all([
      setCanaries(client, tenant, percent),
      store.save(rollout),
    ]);
    const now = await sample(client, pods);
    // A pod that is new, or could not be asked before, counts from here.
    for (const [name, pod] of now) if (!first.has(name)) first.set(name, pod);
    const { canary, rest: stable } = between(first, now);
    const rest = enough(stable, rollout.baseline, thresholds.minimumRequests);
    const faults = judge(canary, rest, thresholds);
    if (faults.length > 0) return { kind: "bad", message: faults.join("; ") };
    if (wish === "undo" || wish === "pause") return { kind: wish, message: "asked to" };
    if (delivered === undefined) {
      if (await allRun(client, tenant, canaries, rollout)) delivered = Date.now();
      else if (Date.now() - started > DELIVERY_TIMEOUT_MS)
        return {
          kind: "bad",
          message: "pods did not take the new filter; see the log of their istio-proxy",
        };
      last = now;
      continue;
    }
    windows.push(between(last, now));
    last = now;
    const seconds = (Date.now() - delivered) / 1000;
    if (seconds < intervalSeconds) continue;
    const latency = judgeLatency(windows, thresholds);
    if (latency.kind === "slow") return { kind: "bad", message: latency.message };
    const isEnough = canary.requests >= thresholds.minimumRequests;
    if (isEnough && latency.kind === "fine") {
      if (stable.requests >= thresholds.minimumRequests) rollout.baseline = stable;
      say(
        `  ${canary.requests} requests, ${canary.errors} failed; ${rest.errors} of ${rest.requests} in the rest of the fleet`,
      );
      return { kind: "passed" };
    }
    if (seconds > intervalSeconds * PATIENCE)
      return { kind: "pause", message: tooLittle(isEnough, canary, seconds, thresholds.minimumRequests) };
  }
}

function tooLittle(isEnough: boolean, { requests }: Sample, seconds: number, minimum: number): string {
  const seen = `${requests} requests in ${seconds.toFixed(0)} s`;
  return isEnough
    ? `the new filter looks slower, but ${seen} are too few to tell; resume goes on watching`
    : `only ${seen}, ${minimum} are needed to judge; resume goes on watching`;
}

/** The rest of the fleet; with what it did before where it has hardly any requests now. */
function enough(stable: Sample, baseline: Sample | undefined, minimum: number): Sample {
  return stable.requests >= minimum ? stable : sum([stable, baseline ?? NOTHING]);
}

function between(before: Samples, after: Samples): Window {
  const of = (slice: string) =>
    sum(
      [...after]
        .filter(([, pod]) => pod.slice === slice)
        .map(([name, pod]) => difference(before.get(name)?.sample ?? pod.sample, pod.sample)),
    );
  return { canary: of("canary"), rest: of("stable") };
}

/** What each of the pods has counted since it started. */
export async function sample(client: KubernetesClient, pods: GatewayPod[]): Promise<Samples> {
  const path = `/stats?histogram_buckets=detailed&filter=${encodeURIComponent(STATS_FILTER)}`;
  const samples = await concurrently(pods, CONCURRENCY, async (pod) => {
    const text = await envoyAdmin(client, pod, path).catch(() => undefined);
    return text === undefined ? [] : [[pod.name, { slice: pod.slice, sample: parseStats(text) }] as const];
  });
  return new Map(samples.flat());
}

/** Waits until every pod of the gateway runs an image. @returns those that do not in a minute */
export async function untilAllRun(context: Run, image: string, version?: string): Promise<GatewayPod[]> {
  const { client, tenant, store, rollout, signal } = context;
  for (const deadline = Date.now() + DELIVERY_TIMEOUT_MS; ; await sleep(POLL_MS, undefined, { signal })) {
    signal.throwIfAborted();
    const pods = await gatewayPods(client, tenant);
    const late = await others(client, tenant, pods, { image, ...(version !== undefined && { version }) });
    if (late.length === 0 || Date.now() > deadline) return late;
    await store.save(rollout);
  }
}

async function allRun(
  client: KubernetesClient,
  tenant: Run["tenant"],
  pods: GatewayPod[],
  filter: Filter,
): Promise<boolean> {
  return (await others(client, tenant, pods, filter)).length === 0;
}

interface Filter {
  image: string;
  version?: string;
}

/** Pods whose Envoy was not given the image, or no VM of whose filter tells its version yet. */
async function others(
  client: KubernetesClient,
  tenant: Run["tenant"],
  pods: GatewayPod[],
  { image, version }: Filter,
): Promise<GatewayPod[]> {
  const { digest } = parseReference(image);
  const runs = async (pod: GatewayPod) => {
    if ((await runningFilter(client, pod, tenant))?.digest !== digest) return false;
    return version === undefined || (await toldVersions(client, pod)).includes(version);
  };
  const asked = await concurrently(pods, CONCURRENCY, async (pod) =>
    (await runs(pod).catch(() => false)) ? [] : [pod],
  );
  return asked.flat();
}
