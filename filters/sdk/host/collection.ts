let wanted: bool = false;

/**
 * Asks for a collection of managed memory at the end of this callback: after work that leaves garbage, such
 * as a new key set.
 */
export function requestCollection(): void {
  wanted = true;
}

/** Collects if somebody asked. Only for the end of a callback, when no managed object is on the stack. */
export function collectIfRequested(): void {
  if (!wanted) return;
  wanted = false;
  __collect();
}
