/** What some gateway pods did over some time. */
export interface Sample {
  requests: number;
  /** Answers of 500 and more. */
  errors: number;
  /** Times that a VM of the filter was started anew after a trap, could not be, or was not there for a request. */
  vmFailures: number;
  /** Requests that the filter refused, by reason. */
  refused: Record<string, number>;
  /** Requests by the upper bound of their duration, in milliseconds. */
  durations: Record<string, number>;
}

export const NOTHING: Sample = { requests: 0, errors: 0, vmFailures: 0, refused: {}, durations: {} };

/** Envoy's stats that `parseStats` reads. */
export const STATS_FILTER =
  "^http\\.outbound_.*downstream_rq_(completed|5xx|time)$|vm_reload_(success|failure|backoff)$|^wasmcustom\\.modelgate\\.refused\\.";

/** Reads Envoy's stats as text, with histograms in disjoint buckets `B<bound>(<interval>,<total>)`. */
export function parseStats(text: string): Sample {
  const sample: Sample = { ...NOTHING, refused: {}, durations: {} };
  for (const line of text.split("\n")) {
    const at = line.lastIndexOf(": ");
    const [name, value] = [line.slice(0, at), line.slice(at + 2)];
    const [, reason] = /^wasmcustom\.modelgate\.refused\.(.+)$/.exec(name) ?? [];
    if (reason !== undefined) sample.refused[reason] = Number(value);
    else if (name.endsWith("downstream_rq_completed")) sample.requests += Number(value);
    else if (name.endsWith("downstream_rq_5xx")) sample.errors += Number(value);
    else if (/vm_reload_(success|failure|backoff)$/.test(name)) sample.vmFailures += Number(value);
    else if (name.endsWith("downstream_rq_time"))
      for (const [, bound = "", count] of value.matchAll(/B([0-9.e+]+)\(\d+,(\d+)\)/g))
        sample.durations[bound] = (sample.durations[bound] ?? 0) + Number(count);
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

/** Milliseconds that a share (0 to 1) of the requests took at most, by the bounds of the buckets. */
export function quantile({ durations }: Sample, share: number): number {
  const buckets = Object.entries(durations)
    .map(([bound, count]) => ({ bound: Number(bound), count }))
    .sort((a, b) => a.bound - b.bound);
  const total = buckets.reduce((all, { count }) => all + count, 0);
  let seen = 0;
  for (const { bound, count } of buckets) {
    seen += count;
    if (seen >= total * share) return bound;
  }
  return 0;
}
