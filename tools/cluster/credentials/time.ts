import { InvalidArgumentError } from "commander";
import { instant } from "../../api/fields.ts";

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Milliseconds of a span such as 90d, 12h or 30m. @throws InvalidArgumentError */
export function span(text: string): number {
  const [, number, unit] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (number === undefined || unit === undefined)
    throw new InvalidArgumentError("must be a span such as 30m, 12h, 7d or 4w");
  return Number(number) * (UNITS[unit] as number);
}

/** A time as RFC 3339: given so, or as a span from now. @throws InvalidArgumentError */
export function timeOrSpan(text: string): string {
  if (instant().safeParse(text).success) return text;
  try {
    return rfc3339(Date.now() + span(text));
  } catch {
    throw new InvalidArgumentError(
      "must be a time such as 2027-01-31T00:00:00Z or a span from now such as 90d",
    );
  }
}

/** RFC 3339 in whole seconds, UTC. */
export function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+/, "");
}
