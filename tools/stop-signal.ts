/**
 * Aborts at the first SIGTERM or SIGINT, in place of the end at once that other commands have; the next one ends the process.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.removeAllListeners(signal);
    process.once(signal, () => controller.abort());
  }
  return controller.signal;
}
