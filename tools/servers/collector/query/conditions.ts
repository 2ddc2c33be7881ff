import { quote } from "../fields.ts";
import type { Filters, Range } from "./parameters.ts";

/** A condition of SQL on the time and dimensions of rows. */
export function conditionOf(filters: Filters, { from, to }: Range, time: string): string {
  return [
    `${time} >= ${timestamp(from)}`,
    `${time} < ${timestamp(to)}`,
    ...Object.entries(filters).map(([name, values]) => oneOf(name, values)),
  ].join(" AND ");
}

export function oneOf(column: string, values: string[]): string {
  return `coalesce(${column}, '') IN (${values.map(quote).join(", ")})`;
}

export function timestamp(milliseconds: number): string {
  return `epoch_ms(${Math.floor(milliseconds)})`;
}
