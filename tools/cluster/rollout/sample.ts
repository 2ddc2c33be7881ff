/** What some gateway pods counted over some time. */
export interface Sample {
  requests: number;
  /** Answers of 500 and more. */
  errors: number;
  /**
   * Times that a VM of the filter was started anew after a trap, could not be, or was not there for a
   * request.
   */
  vmFailures: number;
  /** Requests that the filter refused, by reason. */
  refused: Record<string, number>;
  /**
   * Requests by the milliseconds that they took at least, and hardly longer: Envoy's bins are at most 10 %
   * wide.
   */
  durations: Record<string, number>;
}

export const NOTHING: Sample = { requests: 0, errors: 0, vmFailures: 0, refused: {}, durations: {} };

/** Envoy's stats that `parseStats` reads. */
export const STATS_FILTER =
  "^http\\.outbound_.*downstream_rq_(completed|5xx|time)$|vm_reload_(success|failure|backoff)$|^wasmcustom\\.modelgate\\.refused\\.";

/**
 * Reads Envoy's stats as text, with histograms in detail: `totals=<from>,<width>:<count>, ...` below the
 * name.
 */
export function parseStats(text: string): Sample {
  const sample: Sample = { ...NOTHING, refused: {}, durations: {} };
  for (const line of text.split("\n")) {
    if (line.startsWith("  totals="))
      for (const [, from = "", count] of line.matchAll(/([0-9.e+-]+),[0-9.e+-]+:(\d+)/g))
        sample.durations[from] = (sample.durations[from] ?? 0) + Number(count);
    const at = line.lastIndexOf(": ");
    const [name, value] = [line.slice(0, at), line.slice(at + 2)];
    const [, reason] = /^wasmcustom\.modelgate\.refused\.(.+)$/.exec(name) ?? [];
    if (reason !== undefined) sample.refused[reason] = Number(value);
    else if (name.endsWith("downstream_rq_completed")) sample.requests += Number(value);
    else if (name.endsWith("downstream_rq_5xx")) sample.errors += Number(value);
    else if (/vm_reload_(success|failure|backoff)$/.test(name)) sample.vmFailures += Number(value);
  }
  return sample;
}

/** What happened between two samples of one pod; a pod that was started anew counts from nothing. */
export function difference(before: Sample, after: Sample): Sample {
  if (after.requests < before.requests) return after;
  return combine(before, after, (old, now) => Math.max(0, now - old));
}

export function sum(samples: Sample[]): Sample {
  return samples.reduce((all, each) => combine(all, each, (a, b) => a + b), NOTHING);
}

function combine(a: Sample, b: Sample, op: (a: number, b: number) => number): Sample {
  const records = (left: Record<string, number>, right: Record<string, number>) =>
    Object.fromEntries(
      [...new Set([...Object.keys(left), ...Object.keys(right)])].map((key) => [
        key,
        op(left[key] ?? 0, right[key] ?? 0),
      ]),
    );
  return {
    requests: op(a.requests, b.requests),
    errors: op(a.errors, b.errors),
    vmFailures: op(a.vmFailures, b.vmFailures),
    refused: records(a.refused, b.refused),
    durations: records(a.durations, b.durations),
  };
}

/** Requests that took some milliseconds or longer. */
export function slowerThan({ durations }: Sample, milliseconds: number): number {
  return Object.entries(durations).reduce(
    (all, [from, count]) => (Number(from) >= milliseconds ? all + count : all),
    0,
  );
}

/** Requests whose duration is known. */
export function timed({ durations }: Sample): number {
  return Object.values(durations).reduce((all, count) => all + count, 0);
}
