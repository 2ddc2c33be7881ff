import { setTimeout as sleep } from "node:timers/promises";
import type { Response } from "../../http/http.ts";
import type { LineQuery } from "../query/line-query.ts";
import { type LogLine, linesFrom } from "../query/logs.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";

const INTERVAL_MS = 500;
/** How many sequence numbers are looked at at once. */
const WINDOW = 20_000;

interface Followed {
  /** Sequence number of the first line that is looked at. */
  from: number;
  query: LineQuery;
  /** Each line comes with its number, `seq`: a client whose collector was away goes on behind it. */
  numbered: boolean;
}

/** Sends the lines that are committed from a place on, until the client goes. */
export async function follow(
  response: Response,
  { database, files }: { database: Database; files: LineFiles },
  { from, query, numbered }: Followed,
): Promise<void> {
  let next = from;
  while (!response.destroyed && !response.writableEnded) {
    const page = await database.use((connection) => linesFrom(connection, files, next, WINDOW, query));
    next = page.next;
    for (const [i, line] of page.lines.entries())
      if (!writeLine(response, numbered ? { seq: page.seqs[i], ...line } : line)) await drained(response);
    if (page.lines.length === 0) await sleep(INTERVAL_MS);
  }
}

/** @returns whether the client keeps up */
export function writeLine(response: Response, line: LogLine): boolean {
  return (response as NodeJS.WritableStream).write(`${JSON.stringify(line)}\n`);
}

function drained(response: Response): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
