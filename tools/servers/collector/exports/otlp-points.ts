import { type Attributes, ValueType } from "@opentelemetry/api";
import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { hrTime } from "./otlp.ts";

/** Sums since a series began: a report that is lost or sent twice changes nothing. */
const aggregationTemporality = AggregationTemporality.CUMULATIVE;

interface Point<T> {
  /** Milliseconds since the epoch. */
  since: number;
  now: number;
  attributes: Attributes;
  value: T;
}

function dataPoint<T>({ since, now, attributes, value }: Point<T>) {
  return { startTime: hrTime(since), endTime: hrTime(now), attributes, value };
}

interface Described {
  name: string;
  description: string;
  unit: string;
}

/** What only grows. */
export function sumMetric({ name, description, unit }: Described, points: Point<number>[]): MetricData {
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    ...{ aggregationTemporality, dataPointType: DataPointType.SUM as const, isMonotonic: true },
    dataPoints: points.map(dataPoint),
  };
}

/** Counts by the first bound that values don't exceed, the last one for those beyond all. */
export function histogramMetric(
  { name, description, unit }: Described,
  bounds: readonly number[],
  points: Point<{ counts: number[]; sum: number }>[],
): MetricData {
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    ...{ aggregationTemporality, dataPointType: DataPointType.HISTOGRAM as const },
    dataPoints: points.map(({ value: { counts, sum }, ...point }) =>
      dataPoint({
        ...point,
        value: {
          ...{ buckets: { boundaries: [...bounds], counts }, sum },
          count: counts.reduce((all, count) => all + count, 0),
        },
      }),
    ),
  };
}
