import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { timeSeriesSvg } from "../../tools/lib/plot/time-series.ts";
import { PHASES, rates, runTwoGateways, SETTLE } from "../support/two-gateways.ts";

/** Runs two gateways and the controller through changes for a minute, and draws limit, admitted and refused. */
const SECONDS = Number(process.argv[2] ?? 10);
const STEP = 0.25;
const PICTURE = new URL("../../docs/measurements/limits.svg", import.meta.url);

console.error(`two Envoys and the controller, ${PHASES.length} phases of ${SECONDS} s`);
const run = await runTwoGateways(PHASES, SECONDS);
let failed = false;
for (const { name, from, to, limit } of run.phases) {
  const settled = rates(run, from + SETTLE, to);
  const ok = settled.admitted <= limit * 1.05;
  failed ||= !ok;
  console.log(
    `${name.padEnd(16)} limit ${limit}/s, after ${SETTLE} s: admitted ${settled.admitted.toFixed(1)}/s ` +
      `(${((settled.admitted / limit) * 100).toFixed(1)} %), refused ${settled.refused.toFixed(1)}/s${ok ? "" : "  OVER"}`,
  );
}
const end = run.phases.at(-1)?.to ?? 0;
const series = (value: (rate: { admitted: number; refused: number }) => number): [number, number][] =>
  Array.from({ length: Math.floor(end / STEP) - 1 }, (_, i) => {
    const at = i * STEP;
    return [at + STEP, value(rates(run, Math.max(at - STEP, 0), at + 2 * STEP))];
  });
const limits: [number, number][] = run.phases.map(({ from, limit }) => [from, limit]);
limits.push([end, run.phases.at(-1)?.limit ?? 0]);
await writeFile(
  PICTURE,
  timeSeriesSvg({
    title: "One task behind two gateways: its limit, what both admit together, what they refuse",
    x: "seconds",
    y: "requests a second, over 0.75 s",
    series: [
      { name: "limit", color: "#333", points: limits, steps: true },
      { name: "admitted", color: "#1a7f37", points: series(({ admitted }) => admitted) },
      { name: "refused", color: "#cf222e", points: series(({ refused }) => refused) },
    ],
    events: run.phases.map(({ name, from }) => ({ at: from, label: name })),
  }),
);
console.log(`wrote ${fileURLToPath(PICTURE)}`);
process.exitCode = failed ? 1 : 0;
