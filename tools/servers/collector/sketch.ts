/**
 * Latencies as a DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with
 * relative-error guarantees", VLDB 2019): bucket i counts the values in (GAMMA^(i-1), GAMMA^i], so sketches
 * merge by adding counts, and a quantile is wrong by at most `RELATIVE_ACCURACY`. Buckets are not collapsed:
 * whole milliseconds up to a day need fewer than 1,000.
 */
export const RELATIVE_ACCURACY = 0.01;
export const GAMMA = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY);

/** The bucket of durations under one millisecond, which Envoy writes as 0. */
const ZERO_BUCKET = -1;

/** The bucket of a whole number, such as a duration in milliseconds, as an SQL expression. */
export function bucketOf(value: string): string {
  return `(CASE WHEN ${value} < 1 THEN ${ZERO_BUCKET} ELSE ceil(ln(${value}) / ln(${GAMMA})) END)::SMALLINT`;
}

/** The value, in the unit of the numbers, that stands for all of a bucket. */
export function bucketValue(bucket: number): number {
  return bucket === ZERO_BUCKET ? 0 : (2 * GAMMA ** bucket) / (GAMMA + 1);
}

/** No bucket is beyond this one: no field of a line is as large as its value. */
const LARGEST_BUCKET = 1_500;

/** The largest bucket whose value is at most `bound`. */
export function largestBucket(bound: number): number {
  let bucket = LARGEST_BUCKET;
  while (bucketValue(bucket) > bound) bucket--;
  return bucket;
}
