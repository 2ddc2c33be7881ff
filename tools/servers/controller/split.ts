/** Room above a pod's demand, so that it can grow between two reports. */
export const HEADROOM = 1.1;

/** Part of an equal share that a pod without any demand keeps. */
export const IDLE_SHARE = 0.05;

/** Part of an equal share that a pod with demand is sure of, whatever the others report. */
export const SURE_SHARE = 0.5;

/**
 * Splits a limit over pods by weighted max-min fairness ("water-filling", Bertsekas and Gallager, Data
 * Networks, 6.5.2): no pod gets more than it wants while another wants more, and those that are short get
 * shares in proportion to their weights. A pod wants its demand and some headroom; what nobody wants is
 * spread by weight. No pod gets less than `IDLE_SHARE` of an equal share, nor less than both its demand and
 * `SURE_SHARE` of one.
 *
 * @param limit what there is to split, per second
 * @param demands requests a second that each pod saw, admitted or refused
 * @param weights above 0, e.g. by connections
 * @param shares receives the result, whose sum is the limit but for rounding
 * @param count how many pods there are, at the front of the arrays
 */
export function split(
  limit: number,
  demands: Float64Array,
  weights: Float64Array,
  shares: Float64Array,
  count: number,
): void {
  const equal = limit / count;
  let wanted = 0;
  let weightSum = 0;
  for (let i = 0; i < count; i++) {
    const want = Math.min(limit, Math.max(at(demands, i) * HEADROOM, equal * IDLE_SHARE));
    shares[i] = want;
    wanted += want;
    weightSum += at(weights, i);
  }
  if (wanted <= limit) {
    const surplus = (limit - wanted) / weightSum;
    for (let i = 0; i < count; i++) shares[i] = at(shares, i) + surplus * at(weights, i);
    return;
  }
  const level = waterLevel(limit, weights, shares, count);
  for (let i = 0; i < count; i++) shares[i] = poured(at(shares, i), at(weights, i) * level, equal);
}

/** What a pod gets when the water stands at `level` for it: between its sure share and what it wants. */
function poured(want: number, level: number, equal: number): number {
  return Math.min(want, Math.max(level, equal * SURE_SHARE));
}

/**
 * The level per weight at which the shares sum to the limit. The sum is piecewise linear and rising in the
 * level: Newton's method, kept between bounds, meets it exactly in a few steps.
 */
function waterLevel(limit: number, weights: Float64Array, wants: Float64Array, count: number): number {
  const sure = (limit / count) * SURE_SHARE;
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let weightSum = 0;
  for (let i = 0; i < count; i++) weightSum += at(weights, i);
  let level = limit / weightSum;
  for (let step = 0; step < 100; step++) {
    let sum = 0;
    let slope = 0;
    for (let i = 0; i < count; i++) {
      const want = at(wants, i);
      const water = at(weights, i) * level;
      if (water >= want) sum += want;
      else if (water <= sure) sum += Math.min(want, sure);
      else {
        sum += water;
        slope += at(weights, i);
      }
    }
    const missing = limit - sum;
    if (missing >= 0 && missing <= limit * 1e-9) return level;
    if (missing > 0) low = level;
    else high = level;
    const next = level + (missing - limit * 5e-10) / slope;
    if (next > low && next < high) level = next;
    else level = high === Number.POSITIVE_INFINITY ? level * 2 : (low + high) / 2;
  }
  return low;
}

/**
 * Rounds shares to whole numbers with the same sum, rounded down: largest remainders first (Hamilton's
 * method), and among pods that would get none, those with demand first.
 */
export function roundShares(shares: Float64Array, demands: Float64Array, count: number): void {
  if (ranks.length < count) ranks = new Float64Array(count * 2);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += at(shares, i);
  let left = Math.floor(sum + 1e-6);
  for (let i = 0; i < count; i++) {
    const share = at(shares, i);
    const whole = Math.floor(share);
    ranks[i] = share - whole + (whole === 0 && at(demands, i) > 0 ? 1 : 0);
    shares[i] = whole;
    left -= whole;
  }
  if (left <= 0) return;
  const lastIn = at(ranks.slice(0, count).sort(), count - left);
  for (let i = 0; i < count; i++) if (at(ranks, i) > lastIn) left -= raise(shares, i);
  for (let i = 0; i < count && left > 0; i++) if (at(ranks, i) === lastIn) left -= raise(shares, i);
}

let ranks = new Float64Array(64);

function raise(shares: Float64Array, index: number): 1 {
  shares[index] = at(shares, index) + 1;
  return 1;
}

/** Element of an array within its bounds. */
export function at(array: ArrayLike<number>, index: number): number {
  return array[index] as number;
}
