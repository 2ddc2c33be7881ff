import { InvalidArgumentError, Option } from "commander";
import type { Milliseconds, Seconds } from "../../lib/units.ts";
import { parseDuration } from "../../servers/collector/query/time.ts";

const FACTORS: Record<string, number> = { "": 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** Milliseconds, of "90s", "15m", "2h" or "7d". */
export function duration(text: string): Milliseconds {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined)
    throw new InvalidArgumentError("must be a duration, such as 90s, 15m, 2h or 7d");
  return milliseconds;
}

/** Bytes, of a number with or without a unit of Kubernetes: "512Mi". */
export function bytes(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti)?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("must be bytes, such as 1048576, 512Mi or 20Gi");
  return Number(count) * (FACTORS[unit ?? ""] as number);
}

export function seconds(text: string): Seconds {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number of seconds");
  return Number(text);
}

export function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
}

/** An option whose default shows as one would write it. */
export function withDefault<T>(
  flags: string,
  description: string,
  parse: (text: string) => T,
  text: string,
): Option {
  return new Option(flags, description).argParser(parse).default(parse(text), text);
}
