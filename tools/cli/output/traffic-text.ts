import { capped, escapeValue } from "../../lib/terminal/escape.ts";

/** Callers choose what task they name: one of them must not push all columns off the screen. */
const MOST_OF_NAME = 40;

/** A name that may have come from a caller, or a response code. */
export function nameText(name: string | number | undefined, most = MOST_OF_NAME): string {
  return name === undefined || name === "" ? "-" : capped(escapeValue(String(name)), most);
}

/** "0.1", "12.3", "12345": a number a second, or of requests in flight. */
export function rate(value: number): string {
  return value >= 1_000 ? value.toFixed(0) : value.toFixed(1);
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(part === 0 ? 0 : 2)}%`;
}

export function milliseconds(value: number | null): string {
  if (value === null) return "-";
  return value >= 10_000
    ? `${(value / 1_000).toFixed(1)}s`
    : `${value < 100 ? value.toFixed(1) : value.toFixed(0)}ms`;
}

const UNITS = ["", "Ki", "Mi", "Gi", "Ti"];

export function byteCount(value: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(value, 1)) / 10));
  return power === 0 ? String(value) : `${(value / 1024 ** power).toFixed(1)}${UNITS[power]}`;
}
