/** Ranges of time as people write them. All times are milliseconds. */

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const DAY = 86_400_000;

/** "90s", "15m", "2h", "7d", "1w"; undefined when it is none. */
export function durationOf(text: string): number | undefined {
  const [, count, unit] = /^\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*$/.exec(text) ?? [];
  return unit === undefined ? undefined : Number(count) * (UNITS[unit] as number);
}

export type RangeText = { range: string } | { from: number; to: number };

/**
 * A range: how long ago it begins ("2h"), or two moments with "to", "–" or "/" between them. A moment is a
 * day with a time ("2026-11-25 10:00"), a time of today ("10:00", or 10:00:30), a day, or "now".
 * @param utc whether times without a zone of their own are UTC
 * @returns what is wrong, as a text
 */
export function parseRange(text: string, now: number, utc: boolean): RangeText | string {
  if (durationOf(text) !== undefined) return { range: text.replaceAll(/\s/g, "") };
  const parts = text.split(/\s+(?:to|–|—|-)\s+|\s*[–—]\s*|\//);
  if (parts.length !== 2) return "write how long (15m, 2h, 7d) or from – to (2026-11-25 10:00 – 11:00)";
  const from = momentOf(parts[0] as string, now, utc);
  const to = momentOf(parts[1] as string, from ?? now, utc, now);
  if (from === undefined) return `“${parts[0]}” is no time`;
  if (to === undefined) return `“${parts[1]}” is no time`;
  return from < to ? { from, to } : "the range ends before it begins";
}

/** @param day a moment of the day that a time alone is of */
function momentOf(text: string, day: number, utc: boolean, now = day): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "now") return now;
  const [, date, clock = "00:00", zone] =
    /^(\d{4}-\d\d-\d\d)?[T\s]*(\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?\s*(Z|UTC|[+-]\d\d:\d\d)?$/i.exec(trimmed) ??
    [];
  if (trimmed === "" || (date === undefined && !trimmed.includes(":"))) return undefined;
  const suffix = zone === undefined ? (utc ? "Z" : "") : /^(z|utc)$/i.test(zone) ? "Z" : zone;
  const time = Date.parse(`${date ?? dayOf(day, utc)}T${clock.padStart(5, "0")}${suffix}`);
  return Number.isNaN(time) ? undefined : time;
}

function dayOf(time: number, utc: boolean): string {
  const shift = utc ? 0 : new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - shift).toISOString().slice(0, 10);
}

/** A range as `parseRange` reads it. */
export function rangeText({ from, to }: { from: number; to: number }, utc: boolean): string {
  const moment = (time: number) => {
    const shift = utc ? 0 : new Date(time).getTimezoneOffset() * 60_000;
    return new Date(time - shift).toISOString().slice(0, 19).replace("T", " ").replace(/:00$/, "");
  };
  const [start, end] = [moment(from), moment(to)];
  const sameDay = start.slice(0, 10) === end.slice(0, 10) && to - from < DAY;
  return `${start} – ${sameDay ? end.slice(11) : end}`;
}
