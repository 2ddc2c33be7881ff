import { setTimeout as sleep } from "node:timers/promises";
import type { Response } from "../../http/http.ts";
import { type LogLine, type LogsQuery, linesFrom } from "../query/logs.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";

const INTERVAL_MS = 500;
/** How many sequence numbers are looked at at once. */
const WINDOW = 20_000;

/** Sends the lines that are committed from now on, until the client goes. */
export async function follow(
  response: Response,
  database: Database,
  files: LineFiles,
  from: number,
  query: LogsQuery,
): Promise<void> {
  let next = from;
  while (!response.destroyed && !response.writableEnded) {
    const page = await database.use((connection) => linesFrom(connection, files, next, WINDOW, query));
    next = page.next;
    for (const line of page.lines) if (!writeLine(response, line)) await drained(response);
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
