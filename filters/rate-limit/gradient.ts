/**
 * A limit of requests in flight that follows the latency: Gradient2 of Netflix's concurrency-limits
 * (github.com/Netflix/concurrency-limits, Gradient2Limit). It compares the latency of a short window with a
 * long average: as long as they are alike the limit grows by a queue's worth, when the short one rises the
 * limit shrinks in proportion, so load is shed before it queues.
 */

/** The window's latency may be this much above the average before the limit shrinks. */
const TOLERANCE: f64 = 1.5;
const SMALLEST_GRADIENT: f64 = 0.5;
/** How much of the way to the new limit a step goes. */
const SMOOTHING: f64 = 0.2;
/** Windows that the long average reaches back. */
const LONG_WINDOW: f64 = 600;

/** The long average after one more window. An average that is far above what is measured now falls faster. */
export function nextAverage(average: f64, latencyMicros: f64): f64 {
  if (average <= 0) return latencyMicros;
  const next = average + (latencyMicros - average) * (2 / (LONG_WINDOW + 1));
  return next / latencyMicros > 2 ? next * 0.95 : next;
}

/**
 * @param limit the present limit, in requests
 * @param average the long average, `latencyMicros` the mean of the last window
 * @param inFlight requests in flight: a limit that is not half used does not move
 */
export function nextLimit(
  limit: f64,
  average: f64,
  latencyMicros: f64,
  inFlight: f64,
  least: f64,
  most: f64,
): f64 {
  if (latencyMicros <= 0 || inFlight < limit / 2) return limit;
  const gradient = max(SMALLEST_GRADIENT, min(1, (TOLERANCE * average) / latencyMicros));
  const queue = Math.sqrt(limit);
  const target = limit * gradient + queue;
  return min(max(limit * (1 - SMOOTHING) + target * SMOOTHING, least), most);
}
