/**
 * Aborts at the first SIGTERM or SIGINT, in place of the end at once that other commands have; the next one
 * ends the process.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    const before = process.listeners(signal);
    process.once(signal, () => controller.abort());
    // Behind the new one: a signal that has come and finds no listener for a moment is lost.
    for (const listener of before) process.removeListener(signal, listener);
  }
  return controller.signal;
}
