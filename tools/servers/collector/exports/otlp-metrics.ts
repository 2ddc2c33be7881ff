import { type Attributes, ValueType } from "@opentelemetry/api";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Series } from "../prometheus/traffic-metrics.ts";
import { BOUNDS } from "../store/unseen-traffic.ts";
import { type Endpoint, post } from "./endpoint.ts";
import { hrTime, PROTOBUF, RESOURCE, SCOPE } from "./otlp.ts";

/**
 * Sends traffic to the metrics service of OTLP, over HTTP in protobuf. Sums since each series began
 * (cumulative), so a report that is lost or sent twice changes nothing.
 */
export async function sendOtlpMetrics(
  endpoint: Endpoint,
  series: Iterable<Series>,
  now = Date.now(),
): Promise<void> {
  const body = ProtobufMetricsSerializer.serializeRequest({
    resource: RESOURCE,
    scopeMetrics: [{ scope: SCOPE, metrics: metricsOf([...series], now) }],
  });
  if (body === undefined) throw new Error("the metrics have no form in OTLP");
  await post({ ...endpoint, url: `${endpoint.url.replace(/\/$/, "")}/v1/metrics` }, body, PROTOBUF);
}

function metricsOf(series: Series[], now: number): MetricData[] {
  const point = <T>({ since, labels }: Series, value: T, more: Attributes = {}) => ({
    startTime: hrTime(since),
    endTime: hrTime(now),
    attributes: { ...labels, ...more },
    value,
  });
  const sum = (
    name: string,
    description: string,
    unit: string,
    dataPoints: ReturnType<typeof point<number>>[],
  ) => ({
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM as const,
    isMonotonic: true,
    dataPoints,
  });
  const codes = series.flatMap((each) =>
    [...each.codes].map(([code, count]) => point(each, count, { "http.response.status_code": code })),
  );
  const reasons = series.flatMap((each) =>
    [...each.reasons].map(([reason, count]) => point(each, count, { reason })),
  );
  const durations = series.map((each) =>
    point(each, {
      buckets: { boundaries: BOUNDS, counts: each.durations },
      sum: each.durationSum / 1_000,
      count: each.durations.reduce((all, count) => all + count, 0),
    }),
  );
  return [
    sum("modelgate.requests", "Requests by response code.", "{request}", codes),
    sum(
      "modelgate.served",
      "Requests that were served.",
      "{request}",
      series.map((each) => point(each, each.served)),
    ),
    sum(
      "modelgate.client_errors",
      "Requests that failed by their caller's fault.",
      "{request}",
      series.map((each) => point(each, each.clientErrors)),
    ),
    sum(
      "modelgate.errors",
      "Requests that failed on the server's side.",
      "{request}",
      series.map((each) => point(each, each.errors)),
    ),
    sum("modelgate.refused", "Requests that the gateway refused, by reason.", "{request}", reasons),
    sum(
      "modelgate.received",
      "Bytes of request bodies.",
      "By",
      series.map((each) => point(each, each.received)),
    ),
    sum(
      "modelgate.sent",
      "Bytes of response bodies.",
      "By",
      series.map((each) => point(each, each.sent)),
    ),
    {
      descriptor: {
        name: "modelgate.request.duration",
        description: "How long requests took.",
        unit: "s",
        valueType: ValueType.DOUBLE,
      },
      aggregationTemporality: AggregationTemporality.CUMULATIVE,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: durations,
    },
  ];
}
