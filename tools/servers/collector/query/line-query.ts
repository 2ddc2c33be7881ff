import { OUTCOMES, outcomeSql } from "../../../lib/access-log/outcome.ts";
import { quote } from "../fields.ts";
import { oneOf } from "./conditions.ts";
import { badParameter, type Filters, filtersOf, numberOf } from "./parameters.ts";

export interface LineQuery {
  filters: Filters;
  /** Conditions of SQL on the fields, beyond range and filters. */
  conditions: string[];
}

const MATCHED = ["reason", "decision", "request_id", "trace_id", "credential", "hostname", "model"] as const;

/** @throws HttpError 400 */
export function lineQueryOf(parameters: URLSearchParams): LineQuery {
  const conditions: string[] = [];
  for (const name of MATCHED) {
    const values = parameters.getAll(name);
    if (values.length > 0) conditions.push(oneOf(name, values));
  }
  const codes = parameters.getAll("code").flatMap((each) => each.split(","));
  if (codes.length > 0) conditions.push(`(${codes.map(codeCondition).join(" OR ")})`);
  const outcomes = parameters.getAll("outcome").flatMap((each) => each.split(","));
  if (outcomes.length > 0) conditions.push(outcomeCondition(outcomes));
  const words = (parameters.get("search") ?? "").split(/\s+/).filter(Boolean);
  conditions.push(...words.map(wordCondition));
  const slower = numberOf(parameters, "slower_than");
  if (slower !== undefined) conditions.push(`duration > ${slower}`);
  return { filters: filtersOf(parameters), conditions };
}

/** A request without an answer has the code 0. */
function codeCondition(text: string): string {
  const code = "coalesce(response_code, 0)";
  const [, first, last] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? [];
  if (first !== undefined) return `${code} BETWEEN ${first} AND ${last ?? first}`;
  const [, hundreds] = /^([1-5])xx$/.exec(text) ?? [];
  if (hundreds !== undefined) return `${code} BETWEEN ${hundreds}00 AND ${hundreds}99`;
  throw badParameter("code", "codes (0, 503), classes (5xx) or ranges (500-504), with commas between them");
}

function outcomeCondition(outcomes: string[]): string {
  const wrong = outcomes.find((each) => !(OUTCOMES as readonly string[]).includes(each));
  if (wrong !== undefined) throw badParameter("outcome", `of ${OUTCOMES.join(", ")}`);
  return oneOf(outcomeSql(), outcomes);
}

/** What a search looks through. */
const SEARCHED = [
  ...["path", "reason", "request_id", "trace_id", "credential", "version", "taskid", "model", "method"],
  ...["user_agent", "upstream_host", "response_flags", "response_code_details", "hostname"],
];

function wordCondition(word: string): string {
  const text = SEARCHED.map((name) => `coalesce(${name}, '')`).join(" || ' ' || ");
  return `contains(lower(${text} || ' ' || coalesce(response_code, 0)), ${quote(word.toLowerCase())})`;
}
