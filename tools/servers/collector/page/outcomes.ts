import type { Traffic } from "./api.ts";

/** How requests ended, as the page calls it: the four of each row add up to its requests. */
export const OUTCOMES: { field: keyof Traffic & OutcomeField; label: string; colour: string }[] = [
  { field: "served", label: "served", colour: "served" },
  { field: "refused", label: "refused", colour: "refused" },
  { field: "client_errors", label: "callers’ errors", colour: "client" },
  { field: "errors", label: "server errors", colour: "error" },
];
type OutcomeField = "served" | "refused" | "client_errors" | "errors";

/** Part of a row's requests that ended so; null without a request. */
export function shareOf(row: Traffic, field: OutcomeField): number | null {
  return row.requests === 0 ? null : row[field] / row.requests;
}
