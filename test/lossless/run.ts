import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type TimeSeriesPlot, timeSeriesSvg } from "../../tools/lib/plot/time-series.ts";
import { table } from "../../tools/lib/terminal/table.ts";
import { Child } from "../support/child.ts";
import { sideBySide } from "../support/side-by-side.ts";
import { rollGateways } from "./gateways.ts";
import { commands } from "./hooks.ts";
import type { Measured } from "./load.ts";
import { SLOW_MS } from "./replicas.ts";
import { runScaling, type ScalingRun } from "./scaling.ts";

/** Runs everything with and without warm-up and drain, tells what was lost, and draws both runs as one picture. */
const REQUESTS_PER_SECOND = 100;
const SECONDS = Number(process.argv[2] ?? 8);
/** p99 of each span of the replicas' run beside that of its steady state. Gateways are judged by loss: starting an Envoy takes a core of this machine. */
const MOST_SLOWER = 1.3;
const WINDOW_SECONDS = 0.5;
const PICTURE = new URL("../../docs/measurements/lossless.svg", import.meta.url);

process.setMaxListeners(50);
Child.niceness = 19;
let failed = false;

/** Whether a run is as it should be: lossless without any loss, the other with some, so that the test can fail. */
function judge(
  title: string,
  lossless: boolean,
  spans: Measured[],
  mostSlower = Number.POSITIVE_INFINITY,
): void {
  const steady = spans[0]?.p99 ?? 0;
  const lost = spans.reduce((sum, span) => sum + span.failed, 0);
  const slower = Math.max(...spans.slice(1).map(({ p99 }) => p99 / steady));
  const ok = lossless ? lost === 0 && slower <= mostSlower : lost > 0;
  failed ||= !ok;
  const rows = spans.map(({ name, sent, failed, p50, p99 }) => [
    ...[name, String(sent), String(failed), p50.toFixed(1), p99.toFixed(1)],
    `${(p99 / steady).toFixed(2)}x`,
  ]);
  console.log(
    `\n${title}, ${lossless ? "with" : "without"} warm-up and drain${ok ? "" : "  NOT AS IT SHOULD BE"}`,
  );
  process.stdout.write(table(["", "sent", "failed", "p50 ms", "p99 ms", "p99 / steady"], rows));
  if (lossless)
    for (const reason of new Set(spans.flatMap(({ reasons }) => reasons))) console.log(`lost: ${reason}`);
}

function plot({ load, spans }: ScalingRun, title: string): TimeSeriesPlot {
  const end = spans.at(-1)?.to ?? 0;
  const windows = Array.from({ length: Math.floor(end / WINDOW_SECONDS) }, (_, i) =>
    load.measure({ name: "", from: i * WINDOW_SECONDS, to: (i + 1) * WINDOW_SECONDS }),
  );
  const lost = spans.reduce((sum, span) => sum + span.failed, 0);
  return {
    ...{ title: `${title}: ${lost} requests lost`, x: "seconds", width: 640, top: SLOW_MS + 100 },
    y: "milliseconds; requests a second",
    series: [
      { name: "p99 latency, ms", color: "#0969da", points: windows.map(({ from, p99 }) => [from, p99]) },
      {
        ...{ name: "failed, a second", color: "#cf222e", steps: true },
        points: windows.map(({ from, failed }) => [from, failed / WINDOW_SECONDS]),
      },
    ],
    events: spans.map(({ name, from }) => ({ at: from, label: name })),
  };
}

console.error(`model servers and gateways under ${REQUESTS_PER_SECOND} requests a second, with and without`);
const runs: ScalingRun[] = [];
for (const lossless of [false, true]) {
  const run = await runScaling(lossless ? commands : undefined, REQUESTS_PER_SECOND, SECONDS);
  judge("Replicas", lossless, run.spans, MOST_SLOWER);
  runs.push(run);
}
for (const lossless of [false, true]) {
  const { http1, http2 } = await rollGateways(lossless ? commands : undefined, REQUESTS_PER_SECOND, SECONDS);
  judge("Gateways, HTTP/1.1 keep-alive", lossless, http1);
  judge("Gateways, HTTP/2", lossless, http2);
}
const [without, lossless] = runs as [ScalingRun, ScalingRun];
await writeFile(
  PICTURE,
  sideBySide([
    timeSeriesSvg(plot(without, "Without warm-up and drain")),
    timeSeriesSvg(plot(lossless, "With both")),
  ]),
);
console.log(`\nwrote ${fileURLToPath(PICTURE)}`);
process.exitCode = failed ? 1 : 0;
