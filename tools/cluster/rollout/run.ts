import { pullModule } from "../../lib/oci/pull-module.ts";
import { parseReference } from "../../lib/oci/reference.ts";
import { type GatewayPod, gatewayPods } from "../deploy/gateways.ts";
import type { Run } from "./running.ts";
import { sum } from "./sample.ts";
import { setCanaries, setCanaryImage, setStableImage } from "./slices.ts";
import { type Rollout, TakenOver } from "./state.ts";
import { sample, untilAllRun, watch } from "./watch.ts";

/**
 * Runs a rollout from its current step to its end, to a pause, or to a roll-back. It may be started again at
 * any point.
 * @returns false when the signal stopped it. @throws Error for what stopped it else; the rollout can then be
 * resumed too
 */
export async function run(context: Run): Promise<boolean> {
  const { rollout } = context;
  return leavable(context, () => (rollout.phase === "rollingBack" ? backward(context) : forward(context)));
}

/**
 * Rolls the canaries, and the fleet if it has the new image already, back to the previous image.
 * @returns, throws as `run`
 */
export async function rollBack(context: Run, message: string): Promise<boolean> {
  context.rollout.message = message;
  return leavable(context, () => backward(context));
}

async function leavable(context: Run, work: () => Promise<void>): Promise<boolean> {
  const { rollout, store, say, signal } = context;
  try {
    await work();
    return true;
  } catch (error) {
    if (error instanceof TakenOver) throw error;
    const reason = signal.aborted ? "interrupted" : error instanceof Error ? error.message : String(error);
    if (rollout.phase === "running") Object.assign(rollout, { phase: "paused", message: reason });
    await store.release(rollout);
    say(
      `${reason}: pods stay as they are; modelgate rollout resume goes on, modelgate rollout undo goes back`,
    );
    if (!signal.aborted) throw error;
    return false;
  }
}

async function forward(context: Run): Promise<void> {
  const { client, tenant, store, rollout, say } = context;
  await setCanaryImage(client, tenant, rollout.image);
  for (; rollout.step < rollout.steps.length; rollout.step++) {
    const percent = rollout.steps[rollout.step] as number;
    await save(context, "running", `step ${rollout.step + 1} of ${rollout.steps.length}: ${percent} %`);
    await requirePullable(rollout);
    const before = await sample(client, await gatewayPods(client, tenant));
    rollout.baseline ??= sum([...before.values()].map((pod) => pod.sample));
    const { canaries } = await setCanaries(client, tenant, percent);
    say(
      `step ${rollout.step + 1} of ${rollout.steps.length}: ${percent} %, ${canaries.length} pods try the new filter`,
    );
    const verdict = await watch(context, percent, before);
    if (verdict.kind === "pause") {
      Object.assign(rollout, { phase: "paused", message: verdict.message });
      await store.release(rollout);
      say(`paused: ${verdict.message}`);
      return;
    }
    if (verdict.kind !== "passed") {
      rollout.message = verdict.message;
      return backward(context);
    }
  }
  await setStableImage(client, tenant, rollout.image);
  await setCanaries(client, tenant, 0);
  const late = await untilAllRun(context, rollout.image, rollout.version);
  await save(context, "done", `every pod runs the new filter${except(late)}`);
  say(`done: every pod runs ${rollout.image}${except(late)}`);
}

/**
 * Istio refuses the requests of a pod that can't pull its filter, so no pod is asked to while the registry is
 * down.
 * @throws Error
 */
async function requirePullable({ image, plainHttp = false }: Rollout): Promise<void> {
  await pullModule(parseReference(image), { plainHttp }).catch((error: Error) => {
    throw new Error(`the registry does not serve the new filter: ${error.message}`);
  });
}

async function backward(context: Run): Promise<void> {
  const { client, tenant, rollout, say } = context;
  const { message } = rollout;
  await save(context, "rollingBack", message);
  say(`rolling back: ${message}`);
  await setStableImage(client, tenant, rollout.previous);
  // Whichever slice istiod puts a pod into, it gets the previous filter.
  await setCanaryImage(client, tenant, rollout.previous);
  await setCanaries(client, tenant, 0);
  const late = await untilAllRun(context, rollout.previous);
  await save(context, "rolledBack", `${message}${except(late)}`);
  say(`rolled back: every pod runs ${rollout.previous}${except(late)}`);
}

function except(late: GatewayPod[]): string {
  if (late.length === 0) return "";
  return `, but for ${late.map(({ name }) => name).join(", ")}: see modelgate status`;
}

async function save({ store, rollout }: Run, phase: Rollout["phase"], message: string): Promise<void> {
  Object.assign(rollout, { phase, message });
  await store.save(rollout);
}
