import type { RecordableHistogram } from "node:perf_hooks";
import { durationMilliseconds } from "../../api/fields.ts";
import { percentile } from "./histogram.ts";
import type { LoadResult } from "./open-loop.ts";

/** What is measured: the whole request, or of a language model the time to its first token and per token. */
type Measure = "request" | "ttft" | "tpot";

/** What the service must hold: latency at percentiles, and the share of requests that may fail. */
export interface Slo {
  /** Of what, percentile, and milliseconds at most. */
  latencies: { of: Measure; percent: number; milliseconds: number }[];
  /** Share of requests from 0 to 1 that may fail. */
  errors: number;
}

const DEFAULT_ERRORS = 0.001;
const LATENCY = /^(?:(ttft|tpot)-)?p(\d+(?:\.\d+)?)=((?:\d+(?:\.\d+)?(?:ms|s|m))+)$/;

/**
 * Reads `p99=200ms,p50=50ms,errors=0.1%`, and of language models `ttft-p99=500ms,tpot-p90=40ms`. Errors are
 * 0.1 % at most unless said.
 * @throws Error that says what is wrong
 */
export function parseSlo(text: string): Slo {
  const slo: Slo = { latencies: [], errors: DEFAULT_ERRORS };
  for (const part of text.split(",")) {
    const [, of = "request", percent, duration] = LATENCY.exec(part.trim()) ?? [];
    const [, errors] = /^errors=(\d+(?:\.\d+)?)%$/.exec(part.trim()) ?? [];
    if (duration !== undefined && Number(percent) > 0 && Number(percent) <= 100)
      slo.latencies.push({
        ...{ of: of as Measure, percent: Number(percent), milliseconds: durationMilliseconds(duration) },
      });
    else if (errors !== undefined) slo.errors = Number(errors) / 100;
    else throw new Error(`${JSON.stringify(part)}: must be such as p99=200ms or errors=0.1%`);
  }
  if (slo.latencies.length === 0) throw new Error("must have a latency, such as p99=200ms");
  return slo;
}

export function formatSlo({ latencies, errors }: Slo): string {
  return [
    ...latencies.map((latency) => `${nameOf(latency)}=${latency.milliseconds}ms`),
    `errors=${inPercent(errors)}%`,
  ].join(",");
}

/**
 * What of the objective a run broke; empty when it held. Failed requests count as errors, not in the
 * percentiles.
 */
export function breaches({ latencies, errors }: Slo, result: LoadResult): string[] {
  const share = result.sent === 0 ? 0 : result.failed / result.sent;
  return [
    ...latencies
      .map((latency) => ({ ...latency, measured: percentile(histogramOf(latency, result), latency.percent) }))
      .filter(({ milliseconds, measured }) => measured > milliseconds)
      .map((latency) => `${nameOf(latency)} ${latency.measured.toFixed(1)} ms > ${latency.milliseconds} ms`),
    ...(share > errors
      ? [`errors ${(share * 100).toFixed(2)} % > ${inPercent(errors)} %${mostFrequent(result.failures)}`]
      : []),
  ];
}

function nameOf({ of, percent }: Slo["latencies"][number]): string {
  return of === "request" ? `p${percent}` : `${of}-p${percent}`;
}

function histogramOf(
  { of }: Slo["latencies"][number],
  { latencies, tokens }: LoadResult,
): RecordableHistogram {
  if (of === "request") return latencies;
  return of === "ttft" ? tokens.first : tokens.each;
}

/** As parseSlo reads it: no exponent, none of the digits that binary fractions add. */
function inPercent(share: number): string {
  return (share * 100).toFixed(9).replace(/\.?0+$/, "");
}

function mostFrequent(failures: LoadResult["failures"]): string {
  const [first] = [...failures].sort(([, a], [, b]) => b - a);
  return first ? ` (${first[0]})` : "";
}
