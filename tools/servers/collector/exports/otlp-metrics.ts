import type { Attributes } from "@opentelemetry/api";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { MetricData } from "@opentelemetry/sdk-metrics";
import type { ModelSeries } from "../prometheus/model-metrics.ts";
import type { Series } from "../prometheus/traffic-metrics.ts";
import { BOUNDS } from "../store/unseen-traffic.ts";
import { type Endpoint, post } from "./endpoint.ts";
import { PROTOBUF, RESOURCE, SCOPE } from "./otlp.ts";
import { modelMetricsOf } from "./otlp-model-metrics.ts";
import { histogramMetric, sumMetric } from "./otlp-points.ts";

/**
 * Sends traffic to the metrics service of OTLP, over HTTP in protobuf. Sums since each series began
 * (cumulative), so a report that is lost or sent twice changes nothing.
 */
export async function sendOtlpMetrics(
  endpoint: Endpoint,
  series: Iterable<Series>,
  models: Iterable<ModelSeries>,
  now = Date.now(),
): Promise<void> {
  const body = ProtobufMetricsSerializer.serializeRequest({
    resource: RESOURCE,
    scopeMetrics: [
      { scope: SCOPE, metrics: [...metricsOf([...series], now), ...modelMetricsOf([...models], now)] },
    ],
  });
  if (body === undefined) throw new Error("the metrics have no form in OTLP");
  await post({ ...endpoint, url: `${endpoint.url.replace(/\/$/, "")}/v1/metrics` }, body, PROTOBUF);
}

function metricsOf(series: Series[], now: number): MetricData[] {
  const point = <T>({ since, labels }: Series, value: T, more: Attributes = {}) => ({
    ...{ since, now, attributes: { ...labels, ...more }, value },
  });
  const sum = (name: string, description: string, unit: string, of: (series: Series) => number) =>
    sumMetric(
      { name, description, unit },
      series.map((each) => point(each, of(each))),
    );
  const codes = series.flatMap((each) =>
    [...each.codes].map(([code, count]) => point(each, count, { "http.response.status_code": code })),
  );
  const reasons = series.flatMap((each) =>
    [...each.reasons].map(([reason, count]) => point(each, count, { reason })),
  );
  const durations = series.map((each) =>
    point(each, { counts: each.durations, sum: each.durationSum / 1_000 }),
  );
  const request = "{request}";
  return [
    sumMetric(
      { name: "modelgate.requests", description: "Requests by response code.", unit: request },
      codes,
    ),
    sum("modelgate.served", "Requests that were served.", request, ({ served }) => served),
    sum(
      "modelgate.client_errors",
      "Requests that failed by their caller's fault.",
      request,
      ({ clientErrors }) => clientErrors,
    ),
    sum("modelgate.errors", "Requests that failed on the server's side.", request, ({ errors }) => errors),
    sumMetric(
      {
        name: "modelgate.refused",
        description: "Requests that the gateway refused, by reason.",
        unit: request,
      },
      reasons,
    ),
    sum("modelgate.received", "Bytes of request bodies.", "By", ({ received }) => received),
    sum("modelgate.sent", "Bytes of response bodies.", "By", ({ sent }) => sent),
    histogramMetric(
      { name: "modelgate.request.duration", description: "How long requests took.", unit: "s" },
      BOUNDS,
      durations,
    ),
  ];
}
