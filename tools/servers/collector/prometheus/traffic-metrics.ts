import { Counter, type Metric, type Registry } from "prom-client";
import { DIMENSIONS, type Dimension } from "../fields.ts";
import { BOUNDS, type LatencyDelta, type TrafficDelta } from "../store/unseen-traffic.ts";
import { TopSeries } from "./top-series.ts";

type Labels = Record<Dimension, string>;

/** What is counted of a series since it has its name. */
export interface Series {
  labels: Labels;
  /** When it got its name, in milliseconds since the epoch. */
  since: number;
  codes: Map<number, number>;
  /** Refused requests, and those that failed on the server's side, by reason. */
  reasons: Map<string, number>;
  errorReasons: Map<string, number>;
  served: number;
  clientErrors: number;
  errors: number;
  wouldRefuse: number;
  received: number;
  sent: number;
  /** Milliseconds. */
  durationSum: number;
  /** Requests by the first bound that they don't exceed; the last one has none. */
  durations: number[];
}

const RANK_MS = 10 * 60_000;

/**
 * Traffic for Prometheus. Series beyond the largest go by task and version "other", so that the number of
 * labels stays bounded.
 */
export class TrafficMetrics {
  private readonly series = new Map<string, Series>();
  private readonly top: TopSeries;
  private ranked = Date.now();

  /** @param size how many series have a name */
  constructor(registry: Registry, size: number) {
    this.top = new TopSeries(size);
    const counter = (
      name: string,
      help: string,
      labels: string[],
      values: (series: Series) => Iterable<[labels: Record<string, string>, value: number]>,
    ) => {
      const { series } = this;
      new Counter({
        name,
        help,
        labelNames: [...DIMENSIONS, ...labels],
        registers: [registry],
        collect() {
          this.reset();
          for (const each of series.values())
            for (const [more, value] of values(each)) this.inc({ ...each.labels, ...more }, value);
        },
      });
    };
    counter("modelgate_requests_total", "Requests by response code.", ["code"], ({ codes }) =>
      [...codes].map(([code, count]) => [{ code: String(code) }, count]),
    );
    counter("modelgate_served_total", "Requests that were served.", [], ({ served }) => [[{}, served]]);
    counter(
      "modelgate_client_errors_total",
      "Requests that failed by their caller's fault.",
      [],
      ({ clientErrors }) => [[{}, clientErrors]],
    );
    counter("modelgate_errors_total", "Requests that failed on the server's side.", [], ({ errors }) => [
      [{}, errors],
    ]);
    counter(
      "modelgate_error_reasons_total",
      "Requests that failed on the server's side, by the reason that their callers got.",
      ["reason"],
      ({ errorReasons }) => [...errorReasons].map(([reason, count]) => [{ reason }, count]),
    );
    counter(
      "modelgate_refused_total",
      "Requests that the gateway refused, by reason.",
      ["reason"],
      ({ reasons }) => [...reasons].map(([reason, count]) => [{ reason }, count]),
    );
    counter(
      "modelgate_would_refuse_total",
      "Requests that rules in dry run would refuse.",
      [],
      ({ wouldRefuse }) => [[{}, wouldRefuse]],
    );
    counter("modelgate_received_bytes_total", "Bytes of request bodies.", [], ({ received }) => [
      [{}, received],
    ]);
    counter("modelgate_sent_bytes_total", "Bytes of response bodies.", [], ({ sent }) => [[{}, sent]]);
    registry.registerMetric(this.histogram() as unknown as Metric);
  }

  all(): Iterable<Series> {
    return this.series.values();
  }

  record(traffic: TrafficDelta[], latency: LatencyDelta[]): void {
    if (Date.now() - this.ranked > RANK_MS) {
      for (const key of this.top.rank()) this.series.delete(key);
      this.ranked = Date.now();
    }
    for (const row of traffic) {
      const series = this.seriesOf(row, row.requests);
      series.codes.set(row.code, (series.codes.get(row.code) ?? 0) + row.requests);
      add(series.reasons, row.reason, row.refused);
      if (row.reason !== "") add(series.errorReasons, row.reason, row.errors);
      series.errors += row.errors;
      series.clientErrors += row.client_errors;
      series.served += row.requests - row.errors - row.client_errors - row.refused;
      series.wouldRefuse += row.would_refuse;
      series.received += row.bytes_received;
      series.sent += row.bytes_sent;
      series.durationSum += row.duration_sum;
    }
    for (const row of latency) {
      const { durations } = this.seriesOf(row, 0);
      durations[row.bound] = (durations[row.bound] as number) + row.requests;
    }
  }

  private seriesOf(row: Labels, requests: number): Series {
    const { tenant, taskid, version, gateway } = row;
    const key = JSON.stringify([tenant, taskid, version, gateway]);
    const hasName = this.top.count(key, requests);
    const labels = hasName
      ? { tenant, taskid, version, gateway }
      : { tenant, taskid: "other", version: "other", gateway };
    const nameKey = hasName ? key : JSON.stringify([tenant, gateway]);
    let series = this.series.get(nameKey);
    if (series === undefined) {
      series = {
        ...{
          labels,
          since: Date.now(),
          codes: new Map(),
          reasons: new Map(),
          errorReasons: new Map(),
          durations: BOUNDS.map(() => 0).concat(0),
        },
        ...{ served: 0, clientErrors: 0, errors: 0, wouldRefuse: 0, received: 0, sent: 0, durationSum: 0 },
      };
      this.series.set(nameKey, series);
    }
    return series;
  }

  /** prom-client's own histogram takes one observation at a time. */
  private histogram(): object {
    const name = "modelgate_request_duration_seconds";
    const { series } = this;
    return {
      name,
      async get() {
        const values: object[] = [];
        for (const { labels, durations, durationSum } of series.values()) {
          let count = 0;
          for (const [i, requests] of durations.entries()) {
            count += requests;
            const le = BOUNDS[i] === undefined ? "+Inf" : String(BOUNDS[i]);
            values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
          }
          values.push({ metricName: `${name}_sum`, labels, value: durationSum / 1_000 });
          values.push({ metricName: `${name}_count`, labels, value: count });
        }
        const help =
          "How long requests took. A request within 1 % of a bound may count on either side of it.";
        return { name, help, type: "histogram", aggregator: "sum", values };
      },
      reset() {},
    };
  }
}

function add(counts: Map<string, number>, name: string, amount: number): void {
  if (amount > 0) counts.set(name, (counts.get(name) ?? 0) + amount);
}
