import { latencyHistogram, percentile } from "../../tools/serving/loadtest/histogram.ts";
import { openLoop, type Sample } from "../../tools/serving/loadtest/open-loop.ts";
import type { Connection, PreparedRequest } from "../../tools/serving/model-client/connection.ts";
import { pace } from "../support/pace.ts";

/** A call that the model server of test/support/model-process.ts answers. */
export const REQUEST: PreparedRequest = {
  ...{ protocol: "grpc", method: "POST", path: "/inference.GRPCInferenceService/ModelInfer" },
  ...{ headers: { "content-type": "application/grpc" }, payload: Buffer.alloc(16) },
};

/** What came of the requests that were to be sent in a span of a run. */
export interface Span {
  name: string;
  /** Seconds since the start of the load. */
  from: number;
  to: number;
}

export interface Measured extends Span {
  sent: number;
  failed: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** Why requests failed. */
  reasons: string[];
}

/** Steady open-loop load from now until `stop`. */
export class SteadyLoad {
  readonly samples: Sample[] = [];
  private readonly started = performance.now();
  private readonly abort = new AbortController();
  private readonly done: Promise<unknown>;

  constructor(connection: Connection, requestsPerSecond: number) {
    this.done = openLoop({
      ...{ connection, requests: [REQUEST], timeoutMs: 15_000, signal: this.abort.signal },
      schedule: forever(requestsPerSecond),
      onEnd: (sample) => this.samples.push(sample),
    });
  }

  /** Seconds since its start. */
  get now(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** Runs a span of it: `work`, and what is needed beyond that for so many seconds. */
  async span(name: string, seconds: number, work: () => Promise<unknown> = async () => {}): Promise<Span> {
    const from = this.now;
    const rest = pace(seconds * 1000);
    await Promise.all([work(), rest]);
    return { name, from, to: this.now };
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.done;
  }

  measure(span: Span): Measured {
    const within = this.samples.filter(
      ({ intended }) => intended >= span.from * 1000 && intended < span.to * 1000,
    );
    const histogram = latencyHistogram();
    for (const { ok, latencyMs } of within)
      if (ok) histogram.record(Math.max(1, Math.round(latencyMs * 1000)));
    const lost = within.filter(({ ok }) => !ok);
    return {
      ...{ ...span, sent: within.length, failed: lost.length },
      ...{ p50: percentile(histogram, 50), p99: percentile(histogram, 99) },
      reasons: [...new Set(lost.map(({ reason }) => reason))],
    };
  }
}

function* forever(perSecond: number): Generator<number> {
  for (let i = 0; ; i++) yield (i * 1000) / perSecond;
}
