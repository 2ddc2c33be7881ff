/**
 * Of what is left, each gateway has one part in so many, shared by them, in hand without having asked: its
 * first requests need not wait for a lease.
 */
const STANDING_PART = 16;

/**
 * What each gateway should have in hand of an account: what it wants, at least its standing part; where all
 * want more than there is, max-min fair.
 * @param total what is left, with what gateways have in hand now
 * @param wanted by gateway, whole numbers
 * @returns whole numbers that sum to `total` at most
 */
export function slices(total: number, wanted: number[]): number[] {
  const standing = Math.max(0, Math.floor(total / (STANDING_PART * wanted.length)));
  return fairShares(
    total,
    wanted.map((each) => Math.max(each, standing)),
  );
}

/**
 * Max-min fair shares: nobody gets more than it wants, and who wants less than an equal share gets it all.
 */
function fairShares(total: number, wanted: number[]): number[] {
  const shares = wanted.map(() => 0);
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  let left = Math.max(0, total);
  for (const [place, index] of order.entries()) {
    const share = Math.min(wanted[index] ?? 0, Math.floor(left / (order.length - place)));
    shares[index] = share;
    left -= share;
  }
  return shares;
}
