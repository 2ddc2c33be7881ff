import { clock, dayAndClock, seconds } from "./format.ts";

export interface Line {
  label: string;
  /** Name of a colour of style.css. */
  colour: string;
  /** One value a step; null where there is none. */
  values: (number | null)[];
  /** A bound: dashed, in no sum, and out of sight where all else is far below it. */
  bound?: boolean;
  /** What it was earlier: dashed, in no sum. */
  before?: boolean;
}

/** Stacked lines are drawn as sums, the largest first, each over the one before. */
export function stacked(lines: Line[], steps: number): (number | null)[][] {
  return lines.map((line, i) =>
    apart(line) ? line.values : Array.from({ length: steps }, (_, step) => sumOf(lines.slice(i), step)),
  );
}

/** Whether a line is in no sum. */
export function apart(line: Line | undefined): boolean {
  return line?.bound === true || line?.before === true;
}

function sumOf(lines: Line[], step: number): number {
  return lines.reduce((sum, line) => (apart(line) ? sum : sum + (line.values[step] ?? 0)), 0);
}

/** Places of values without a neighbour, which no line leads to. */
export function alone(values: ArrayLike<number | null | undefined>): number[] | null {
  const has = (i: number) => values[i] !== null && values[i] !== undefined;
  const places = Array.from(values, (_, i) => i).filter((i) => has(i) && !has(i - 1) && !has(i + 1));
  return places.length > 0 ? places : null;
}

export function timeLabels(_: unknown, splits: number[]): string[] {
  const length = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  if (length > 36 * 3600)
    return splits.map((split) => dayAndClock(split * 1000).replace(/,? \d\d:\d\d$/, ""));
  return splits.map((split) => (length < 4 * 60 ? seconds(split * 1000) : clock(split * 1000)));
}
