import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { FIELD_NAMES } from "../fields.ts";
import type { Rejected, Rejects } from "./rejects.ts";

const START_BYTES = 200;
/** How many places in a line are tried as the start of a second one. */
const MAX_RESTARTS = 16;

interface Times {
  /** Milliseconds since the epoch. */
  oldest: number;
  newest: number;
}

/**
 * Looks at lines that DuckDB could not use: mends those that it can and writes them to `into`.
 * @param numbers of the lines, ascending from 0, not counting blank ones
 * @returns how many were mended
 */
export async function salvage(
  path: string,
  numbers: AsyncIterable<number>,
  times: Times,
  into: string,
  rejects: Rejects,
): Promise<number> {
  const lines = filledLines(path);
  const mended = await open(into, "w");
  let next = 0;
  let count = 0;
  try {
    for await (const number of numbers) {
      let line: Buffer | undefined;
      for (; next <= number; next++) line = (await lines.next()).value as Buffer | undefined;
      if (line === undefined) break;
      const result = mend(line, times);
      if (typeof result === "string") {
        await mended.write(`${result}\n`);
        count++;
      } else rejects.add(result);
    }
  } finally {
    await lines.return(undefined);
    await mended.close();
  }
  return count;
}

/** A log line that DuckDB can read, or why there is none. */
export function mend(line: Buffer, { oldest, newest }: Times): string | Rejected {
  const text = line.toString("utf8");
  const start = line.toString("utf8", 0, START_BYTES);
  const object = parseObject(text);
  if (object === undefined) return { reason: "not_json", start };
  const time = typeof object.start_time === "string" ? Date.parse(object.start_time) : Number.NaN;
  if (Number.isNaN(time)) return { reason: "no_start_time", start };
  if (time < oldest || time > newest) return { reason: "out_of_time", start };
  const isoTime = new Date(time).toISOString();
  const kept = FIELD_NAMES.map((name) => [name, object[name]]);
  try {
    return JSON.stringify({ ...Object.fromEntries(kept), start_time: isoTime }, (_, value) =>
      typeof value === "string" ? value.toWellFormed() : value,
    );
  } catch {
    // What is nested too deep can be read, and not written.
    return { reason: "not_json", start };
  }
}

/** The object of a line; of a torn line with a whole one behind it, the whole one. */
function parseObject(text: string): Record<string, unknown> | undefined {
  // Envoy's text format leaves a number empty, or writes "-", when there is none.
  const withNumbers = (json: string) => json.replaceAll(/":-?(?=[,}])/g, '":null');
  let from = 0;
  for (let i = 0; i <= MAX_RESTARTS && from >= 0; i++) {
    const rest = text.slice(from);
    for (const json of [rest, withNumbers(rest)]) {
      try {
        const value: unknown = JSON.parse(json);
        if (typeof value === "object" && value !== null && !Array.isArray(value))
          return value as Record<string, unknown>;
      } catch {}
    }
    from = text.indexOf('{"', from + 1);
  }
  return undefined;
}

/** The lines of a file that have more than white space. */
async function* filledLines(path: string): AsyncGenerator<Buffer, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      if (!isBlank(bytes, from, end)) yield bytes.subarray(from, end);
      from = end + 1;
    }
    rest = bytes.subarray(from);
  }
  if (!isBlank(rest, 0, rest.length)) yield rest;
  return undefined;
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d)) return false;
  }
  return true;
}
