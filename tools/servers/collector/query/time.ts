const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d)$/;

/** "90s", "15m", "2h", "7d" in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * (UNITS[unit] as number);
}

/** Years of four digits, in milliseconds since the epoch: what all of Date, RFC 3339 and DuckDB have. */
const FIRST_TIME = Date.parse("0000-01-01T00:00:00Z");
const LAST_TIME = Date.parse("9999-12-31T00:00:00Z");

/**
 * A time in milliseconds since the epoch, from RFC 3339, "now", or how long ago it is; undefined when it is
 * none.
 */
export function parseTime(text: string, now: number): number | undefined {
  if (text === "now") return now;
  const ago = parseDuration(text);
  const time = ago === undefined ? Date.parse(text) : now - ago;
  return time >= FIRST_TIME && time <= LAST_TIME ? time : undefined;
}
