import { readFile, writeFile } from "node:fs/promises";
import { z } from "zod";
import { type Capacity, inFlightAt, type Step } from "./capacity.ts";

const percentiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number() });

const step = z.object({
  ...{ rate: z.number(), answered: z.number(), sent: z.number(), failed: z.number(), lateness: z.number() },
  ...{
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    p999: z.number(),
    mean: z.number(),
    max: z.number(),
  },
  breaches: z.array(z.string()),
  tokens: z
    .object({
      ttft: percentiles,
      tpot: percentiles,
      perSecond: z.number(),
      allPerSecond: z.number().default(0),
    })
    .optional(),
});

const run = z.object({
  kind: z.literal("LoadTest").describe("What the file is."),
  task: z.string(),
  date: z.string(),
  slo: z.string(),
  replicas: z.number(),
  /** Requests a second that all replicas together hold. */
  capacity: z.number(),
  /** Whether a rate above broke the objective. */
  isFound: z.boolean(),
  steps: z.array(step),
});

/** A load test as it is kept in a file, and compared with later. */
export type SavedRun = z.output<typeof run>;

export function savedRun(
  { rate, isFound, steps }: Capacity,
  about: Pick<SavedRun, "task" | "slo" | "replicas">,
): SavedRun {
  return { kind: "LoadTest", ...about, date: new Date().toISOString(), capacity: rate, isFound, steps };
}

export async function saveRun(file: string, saved: SavedRun): Promise<void> {
  await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`);
}

/** @throws Error for a file that is no saved load test */
export async function readRun(file: string): Promise<SavedRun> {
  const text = await readFile(file, "utf8").catch(() => {
    throw new Error(`${file}: cannot be read: check --baseline`);
  });
  try {
    return run.parse(JSON.parse(text));
  } catch {
    throw new Error(`${file}: is not a load test that --save wrote`);
  }
}

/** The step at a run's capacity. */
export function kneeOf({ steps, capacity }: SavedRun): Step | undefined {
  return steps.findLast((each) => each.rate === capacity && each.breaches.length === 0);
}

interface Comparison {
  /** Rows of a table: what, baseline, now, change. */
  rows: string[][];
  /** Change of the capacity of a replica, as a share; below 0 when it fell. */
  change: number;
}

/** A run beside an earlier one, by replica. */
export function compareRuns(baseline: SavedRun, now: SavedRun): Comparison {
  const perReplica = ({ capacity, replicas }: SavedRun) => capacity / replicas;
  const at = (saved: SavedRun, value: (step: Step) => number) => {
    const knee = kneeOf(saved);
    return knee ? value(knee) : 0;
  };
  const row = (name: string, unit: string, value: (saved: SavedRun) => number) => {
    const [before, after] = [value(baseline), value(now)];
    return [name, `${before.toFixed(1)}${unit}`, `${after.toFixed(1)}${unit}`, change(before, after)];
  };
  return {
    change: perReplica(baseline) === 0 ? 0 : perReplica(now) / perReplica(baseline) - 1,
    rows: [
      row("requests a second per replica", "", perReplica),
      row("p50 there", " ms", (saved) => at(saved, ({ p50 }) => p50)),
      row("p99 there", " ms", (saved) => at(saved, ({ p99 }) => p99)),
      row("in flight per replica there", "", (saved) => at(saved, inFlightAt) / saved.replicas),
      ...(hasTokens(baseline) && hasTokens(now)
        ? [
            row("time to first token, p50 there", " ms", (saved) =>
              at(saved, (step) => step.tokens?.ttft.p50 ?? 0),
            ),
            row("time per token, p50 there", " ms", (saved) =>
              at(saved, (step) => step.tokens?.tpot.p50 ?? 0),
            ),
            row("tokens a second there", "", (saved) => at(saved, (step) => step.tokens?.perSecond ?? 0)),
          ]
        : []),
    ],
  };
}

/** Is it the run of a language model? */
export function hasTokens({ steps }: SavedRun): boolean {
  return steps.some(({ tokens }) => tokens !== undefined);
}

function change(before: number, after: number): string {
  if (before === 0) return "-";
  const percent = (after / before - 1) * 100;
  return `${percent < 0 ? "" : "+"}${percent.toFixed(1)} %`;
}
