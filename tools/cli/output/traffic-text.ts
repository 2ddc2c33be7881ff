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
