import { Counter, type Metric, type Registry } from "prom-client";
import {
  GENAI_ATTRIBUTES,
  GENAI_METRICS,
  GENAI_VERSION,
  type GenAiMetric,
  PROVIDER,
  prometheusName,
} from "../../../lib/access-log/genai.ts";
import { DIMENSIONS } from "../fields.ts";
import { MODEL_SUMS, type ModelSum, SKETCHED, type Sketched } from "../store/model-calls.ts";
import { METRIC_OF, type ModelDelta, type ModelSketchDelta } from "../store/unseen-model-calls.ts";

type Labels = Record<string, string>;

/** What is counted of the calls to one model since this process began. */
export interface ModelSeries {
  /** Dimensions of traffic. */
  labels: Labels;
  /** `chat` and the like. */
  operation: string;
  /** When it began, in milliseconds since the epoch. */
  since: number;
  sums: Record<ModelSum, number>;
  /** Micro-units by currency. */
  costs: Map<string, number>;
  /** Calls by the first bound of the sketch's metric that they don't exceed; the last one has none. */
  sketches: Record<Sketched, number[]>;
}

/** One histogram of the conventions: its values by sketch, and attributes beside those of the series. */
export const HISTOGRAMS: readonly {
  metric: GenAiMetric;
  kind: Sketched;
  attributes: Labels;
  /** The sum of its values, in units of the metric. */
  sum: (series: ModelSeries) => number;
}[] = [
  ...(["input", "output"] as const).map((type) => ({
    metric: GENAI_METRICS.tokens,
    kind: `${type}_tokens` as const,
    attributes: { [GENAI_ATTRIBUTES.token_type]: type },
    sum: ({ sums }: ModelSeries) => sums[`reported_${type}_tokens`],
  })),
  {
    ...{ metric: GENAI_METRICS.duration, kind: "duration", attributes: {} },
    sum: ({ sums }) => sums.duration_ms / METRIC_OF.duration.units,
  },
  ...(["time_to_first_token_us", "time_per_output_token_us"] as const).map((kind) => ({
    ...{ metric: GENAI_METRICS[kind], kind, attributes: {} },
    sum: ({ sums }: ModelSeries) => sums[kind] / METRIC_OF[kind].units,
  })),
];

/** The attributes of a series by the conventions: the task is the model that is asked for. */
export function attributesOf({ labels, operation }: ModelSeries): Labels {
  return {
    ...labels,
    [GENAI_ATTRIBUTES.operation]: operation,
    [GENAI_ATTRIBUTES.provider]: PROVIDER,
    [GENAI_ATTRIBUTES.model]: labels.taskid ?? "",
  };
}

/** Counted apart; cached ones are part of the input's, reasoning's of the output's. */
export const TOKENS = ["input", "cached", "output", "reasoning"] as const;

/** Calls to language models for Prometheus. Models are those of ModelTasks: callers can't make up any. */
export class ModelMetrics {
  private readonly series = new Map<string, ModelSeries>();

  constructor(registry: Registry) {
    const counter = (
      name: string,
      help: string,
      labels: string[],
      values: (series: ModelSeries) => Iterable<[labels: Labels, value: number]>,
    ) => {
      const { series } = this;
      new Counter({
        ...{ name, help, labelNames: [...DIMENSIONS, "operation", ...labels], registers: [registry] },
        collect() {
          this.reset();
          for (const each of series.values())
            for (const [more, value] of values(each))
              this.inc({ ...each.labels, operation: each.operation, ...more }, value);
        },
      });
    };
    counter(
      "modelgate_model_calls_total",
      "Calls to language models that a model answered.",
      [],
      ({ sums }) => [[{}, sums.calls]],
    );
    counter(
      "modelgate_tokens_total",
      "Tokens of language models, estimated ones among them; cached ones are part of the input's, reasoning's of the output's.",
      ["type"],
      ({ sums }) => TOKENS.map((type) => [{ type }, sums[`${type}_tokens`]]),
    );
    counter("modelgate_estimated_calls_total", "Calls whose tokens are an estimate.", [], ({ sums }) => [
      [{}, sums.estimated],
    ]);
    counter("modelgate_aborted_calls_total", "Calls whose answer broke off.", [], ({ sums }) => [
      [{}, sums.aborted],
    ]);
    counter(
      "modelgate_cost_micros_total",
      "What calls cost by the controller's prices, in millionths of the currency.",
      ["currency"],
      ({ costs }) => [...costs].map(([currency, micros]) => [{ currency }, micros]),
    );
    for (const metric of Object.values(GENAI_METRICS))
      registry.registerMetric(this.histogram(metric) as unknown as Metric);
  }

  all(): Iterable<ModelSeries> {
    return this.series.values();
  }

  record(calls: ModelDelta[], sketches: ModelSketchDelta[]): void {
    for (const row of calls) {
      const { sums, costs } = this.seriesOf(row);
      for (const name of MODEL_SUMS) sums[name] += row[name];
      if (row.currency !== "") costs.set(row.currency, (costs.get(row.currency) ?? 0) + row.cost_micros);
    }
    for (const row of sketches) {
      const counts = this.seriesOf(row).sketches[row.kind];
      counts[row.bound] = (counts[row.bound] as number) + row.calls;
    }
  }

  private seriesOf(row: ModelDelta | ModelSketchDelta): ModelSeries {
    const labels = Object.fromEntries(DIMENSIONS.map((name) => [name, row[name]]));
    const key = JSON.stringify([...Object.values(labels), row.operation]);
    const found = this.series.get(key);
    if (found) return found;
    const made: ModelSeries = {
      ...{ labels, operation: row.operation, since: Date.now(), costs: new Map() },
      sums: Object.fromEntries(MODEL_SUMS.map((name) => [name, 0])) as ModelSeries["sums"],
      sketches: Object.fromEntries(
        SKETCHED.map((kind) => [kind, METRIC_OF[kind].metric.bounds.map(() => 0).concat(0)]),
      ) as ModelSeries["sketches"],
    };
    this.series.set(key, made);
    return made;
  }

  /** prom-client's own histogram takes one observation at a time. */
  private histogram(metric: GenAiMetric): object {
    const name = prometheusName(metric.name, metric.unit);
    const { series } = this;
    return {
      name,
      async get() {
        const values: object[] = [];
        for (const each of series.values())
          for (const histogram of HISTOGRAMS.filter((one) => one.metric === metric)) {
            const labels = labelsOf({ ...attributesOf(each), ...histogram.attributes });
            let count = 0;
            for (const [i, calls] of each.sketches[histogram.kind].entries()) {
              count += calls;
              const le = String(metric.bounds[i] ?? "+Inf");
              values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
            }
            values.push({ metricName: `${name}_sum`, labels, value: histogram.sum(each) });
            values.push({ metricName: `${name}_count`, labels, value: count });
          }
        const help = `${metric.description} By ${GENAI_VERSION}. A call within 1 % of a bound may count on either side of it.`;
        return { name, help, type: "histogram", aggregator: "sum", values };
      },
      reset() {},
    };
  }
}

function labelsOf(attributes: Labels): Labels {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prometheusName(name), value]));
}
