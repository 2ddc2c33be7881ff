/** A query of a panel, as Grafana's Elasticsearch data source sends it. */
interface PanelQuery {
  title: string;
  index: string;
  body: object;
  /** It has a script. */
  scripted: boolean;
  /** The metric, summed over time, by value of the panel's terms; of a panel without terms by "". */
  sums(aggregations: object): Record<string, number>;
}

interface Target {
  datasource: { uid: string };
  query: string;
  metrics: Metric[];
  bucketAggs: { id: string; type: string; field: string; settings: Record<string, string> }[];
}

interface Metric {
  id: string;
  type: string;
  field?: string;
  pipelineVariables?: { name: string; pipelineAgg: string }[];
  settings?: { script: string };
}

interface Buckets {
  buckets: { key: string | number; [name: string]: unknown }[];
}

/**
 * The queries of a dashboard's panels over aggregations.
 * @throws Error for a metric whose type is not known, of which Grafana would make no query
 */
export function panelQueries(dashboard: string): PanelQuery[] {
  const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets?: Target[] }[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets
      .filter(({ bucketAggs }) => bucketAggs.length > 0)
      .map((target) => ({ title, ...queryOf(target) })),
  );
}

function queryOf({ datasource, query, metrics, bucketAggs }: Target): Omit<PanelQuery, "title"> {
  const shown = metrics.at(-1) as Metric;
  const innermost = Object.fromEntries(metrics.map((metric) => [metric.id, aggregation(metric)]));
  const aggs = bucketAggs.reduceRight<object>(
    (inner, { id, type, field, settings }) => ({
      [id]: { [type]: { field, ...bucketOf(type, settings) }, aggs: inner },
    }),
    innermost,
  );
  const inTime = (found: Buckets) =>
    found.buckets.reduce((sum, bucket) => sum + ((bucket[shown.id] as { value?: number })?.value ?? 0), 0);
  return {
    index: datasource.uid.replace(/^\$\{(\w+)\}$/, "modelgate-$1").replaceAll("_", "-"),
    scripted: shown.type === "bucket_script",
    body: { size: 0, query: { query_string: { query } }, aggs },
    sums(aggregations) {
      const { terms, minutes } = aggregations as { terms?: Buckets; minutes?: Buckets };
      if (!terms) return { "": inTime(minutes as Buckets) };
      return Object.fromEntries(terms.buckets.map((each) => [each.key, inTime(each.minutes as Buckets)]));
    },
  };
}

function aggregation({ type, field, pipelineVariables = [], settings }: Metric): object {
  if (type === "sum" || type === "max") return { [type]: { field } };
  if (type !== "bucket_script") throw new Error(`no aggregation: ${type}`);
  const paths = Object.fromEntries(pipelineVariables.map(({ name, pipelineAgg }) => [name, pipelineAgg]));
  return { bucket_script: { buckets_path: paths, script: settings?.script } };
}

function bucketOf(type: string, { interval, size, min_doc_count }: Record<string, string>): object {
  return {
    min_doc_count: Number(min_doc_count),
    ...(type === "date_histogram" ? { fixed_interval: interval } : { size: Number(size) }),
  };
}
