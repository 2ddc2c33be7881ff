/** `warning`: works without it, but for what it says. `unknown`: could not be looked at. */
type State = "ok" | "warning" | "failed" | "unknown";

/** What one check of a cluster found. */
export interface Finding {
  check: string;
  state: State;
  /** What was found and, where it is not ok, what to do. */
  says: string;
}
