import { readFileSync } from "node:fs";

/** What a caller of the gateway gets that one of Triton does not, and why that is better for it. */
export interface Difference {
  case: string;
  /** Part of the answer. */
  field: string;
  triton?: unknown;
  gateway?: unknown;
  why: string;
}

const table: Difference[] = JSON.parse(readFileSync(new URL("differences.json", import.meta.url), "utf8"));

/** The rows of a case, without their reasons. */
export function allowed(name: string): object[] {
  return table.filter((row) => row.case === name).map(({ why: _, ...row }) => row);
}

/** Rows among `mine` whose case is not there, or that have no reason. */
export function needless(names: string[], mine: (name: string) => boolean): Difference[] {
  return table.filter((row) => mine(row.case) && (!names.includes(row.case) || row.why.length < 10));
}

/** How two answers differ, part by part; the order of an object's members counts for nothing. */
export function differences(name: string, triton: object, gateway: object): object[] {
  const [one, other] = [triton, gateway].map((answer) => JSON.parse(JSON.stringify(answer)));
  return Object.keys({ ...one, ...other })
    .filter((field) => JSON.stringify(sorted(one[field])) !== JSON.stringify(sorted(other[field])))
    .map((field) =>
      JSON.parse(JSON.stringify({ case: name, field, triton: one[field], gateway: other[field] })),
    );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
