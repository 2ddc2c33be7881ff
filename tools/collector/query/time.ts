const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d+(?:\.\d+)?)(s|m|h|d)$/;

/** "90s", "15m", "2h", "7d" in milliseconds; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * (UNITS[unit] as number);
}

/** A time in milliseconds since the epoch, from RFC 3339, "now", or how long ago it is. */
export function parseTime(text: string, now: number): number | undefined {
  if (text === "now") return now;
  const ago = parseDuration(text);
  if (ago !== undefined) return now - ago;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
