import type { z } from "zod";

/** What is wrong and what to do about it, for issues whose schema has no message of its own. */
export function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is required";
      return `must be ${article(issue.expected)}, is ${shown(issue.input)}${hint(issue.expected, issue.input)}`;
    case "invalid_value":
      if (issue.input === undefined) return "is required";
      return issue.values.length === 1
        ? `must be ${String(issue.values[0])}, is ${shown(issue.input)}`
        : `must be one of ${issue.values.join(", ")}; is ${shown(issue.input)}`;
    case "too_small":
      return `${verb(issue.origin)} ${issue.inclusive ? "at least" : "more than"} ${issue.minimum}${unit(issue.origin, issue.minimum)}`;
    case "too_big":
      return `${verb(issue.origin)} ${issue.inclusive ? "at most" : "less than"} ${issue.maximum}${unit(issue.origin, issue.maximum)}`;
    default:
      return undefined;
  }
}

function article(type: string): string {
  if (type === "record") return "an object";
  if (type === "int") return "a whole number";
  return `${/^[aeiou]/.test(type) ? "an" : "a"} ${type === "array" ? "list" : type}`.replace(
    "an list",
    "a list",
  );
}

function shown(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  if (input === null) return "empty";
  return typeof input === "object" ? "an object" : JSON.stringify(input);
}

function hint(expected: string, input: unknown): string {
  if (expected === "string" && (typeof input === "number" || typeof input === "boolean"))
    return ` (quote it: "${input}")`;
  if (
    expected === "number" &&
    typeof input === "string" &&
    input.trim() !== "" &&
    Number.isFinite(Number(input))
  )
    return " (take the quotes away)";
  return "";
}

function verb(origin: string): string {
  return origin === "array" ? "must have" : "must be";
}

function unit(origin: string, bound: number | bigint): string {
  const one = Number(bound) === 1;
  if (origin === "string") return one ? " character long" : " characters long";
  if (origin !== "array") return "";
  return one ? " entry" : " entries";
}

/** Tells that a field is not known, and which one may be meant. */
export function unknownField(name: string, known: string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `is no field (did you mean ${near}?)`;
  return `is no field (fields here: ${known.join(", ")})`;
}

/** The known name that a misspelt one may mean. */
export function nearest(name: string, known: string[]): string | undefined {
  const near = known
    .map((other) => ({ other, edits: distance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ edits }) => edits <= 2);
  return near.sort((a, b) => a.edits - b.edits)[0]?.other;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
