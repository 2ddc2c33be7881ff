/** Confidence bounds of shares. All are one-sided; `z` is the standard normal quantile of the confidence. */

export interface Share {
  count: number;
  of: number;
}

/** Wilson's score interval (1927, JASA 22, pp. 209-212); all from 0 to 1 when there is nothing to go by. */
export function wilson({ count, of }: Share, z: number): { lower: number; upper: number } {
  if (of === 0) return { lower: 0, upper: 1 };
  const share = count / of;
  const z2 = z * z;
  const middle = share + z2 / (2 * of);
  const reach = z * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of));
  const bound = (value: number) => Math.min(1, Math.max(0, value / (1 + z2 / of)));
  return { lower: bound(middle - reach), upper: bound(middle + reach) };
}

/**
 * What the share `a` is above the share `b` at least: Newcombe's hybrid score interval (1998, Statistics in
 * Medicine 17, pp. 873-890, method 10). A `b` of nothing counts as a share of 0.
 */
export function leastExcess(a: Share, b: Share, z: number): number {
  if (a.of === 0) return -1;
  const [shareA, shareB] = [a.count / a.of, b.of === 0 ? 0 : b.count / b.of];
  const upperB = b.of === 0 ? 0 : wilson(b, z).upper;
  return shareA - shareB - Math.hypot(shareA - wilson(a, z).lower, upperB - shareB);
}

/** The chance that at least `count` of `of` fair coins show heads: the p-value of the sign test. */
export function signTest({ count, of }: Share): number {
  let ways = 1;
  let tail = 0;
  for (let heads = of; heads >= count; heads--) {
    tail += ways;
    ways *= heads / (of - heads + 1);
  }
  return tail / 2 ** of;
}
