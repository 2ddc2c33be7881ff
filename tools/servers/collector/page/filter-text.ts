import { FILTERS, type Filter, type State } from "./state.ts";

/** What filters are called on the page. */
export const FILTER_NAMES: Record<Filter, string> = {
  version: "version",
  gateway: "gateway",
  credential: "credential",
  reason: "reason",
  code: "status",
  outcome: "outcome",
};

/**
 * The change that a filter asks for which somebody wrote: `status=5xx version=v2`.
 * @returns what is wrong, as a text
 */
export function parseFilter(text: string): Partial<State> | string {
  const change: Partial<State> = {};
  for (const part of text.trim().split(/\s+/).filter(Boolean)) {
    const [, name = "", value = ""] = /^(\w+)[=:](.*)$/.exec(part) ?? [];
    const filter = FILTERS.find((each) => each === name || FILTER_NAMES[each] === name);
    if (filter === undefined)
      return `“${part}”: write ${Object.values(FILTER_NAMES).join(", ")}, = and a value`;
    change[filter] = value;
  }
  return change;
}
