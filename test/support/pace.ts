/**
 * Time that a test lets pass. What will come is waited for with `until`; these are for the rest, and each says
 * what the time is for. They keep to a test's fake timers.
 */

/**
 * Time that is part of what the test does: between two requests of a load or two samples, while a stand-in
 * works, a phase lasts or a token grows old.
 */
export function pace(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Time in which something must not happen that the test then says has not happened. */
export function quiet(ms: number): Promise<void> {
  return pace(ms);
}

/** Time for an effect that nothing announces: no answer, line or count says that it has come. */
export function settle(ms: number): Promise<void> {
  return pace(ms);
}
