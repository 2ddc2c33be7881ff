import type { ServerResponse } from "node:http";
import { HttpError, type Response, sendJson } from "../../http/http.ts";
import { lineQueryOf } from "../query/line-query.ts";
import { countLogs, queryLogs } from "../query/logs.ts";
import { numberOf, rangeOf } from "../query/parameters.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";
import { follow, writeLine } from "./follow.ts";
import type { Route } from "./handler.ts";
import type { Receiver } from "./receive.ts";
import type { SenderTokens } from "./sender-tokens.ts";

const LOGS_LIMIT = 100;
const MAX_LOGS = 10_000;
/** Who follows lines asks the store twice a second. */
const MAX_FOLLOWERS = 64;

export interface LineRouteOptions {
  database: Database;
  files: LineFiles;
  receiver: Receiver;
  senderTokens?: SenderTokens | undefined;
}

/** Log lines: taken in, found, and followed by so many. */
export function lineRoutes({
  database,
  files,
  receiver,
  senderTokens,
}: LineRouteOptions): Record<string, Route> {
  const followers = new Followers();
  return {
    "POST /v1/logs": async (request, response) => {
      senderTokens?.check(request.headers);
      sendJson(response, 200, { accepted: await receiver.receive(request) });
    },

    "GET /api/v1/logs": async (_request, response, { searchParams }) => {
      const query = lineQueryOf(searchParams);
      const range = rangeOf(searchParams);
      const limit = Math.min(numberOf(searchParams, "limit") ?? LOGS_LIMIT, MAX_LOGS);
      const follows = searchParams.get("follow") === "true";
      if (follows) followers.admit(response);
      const { lines, next, matched } = await database.use(async (connection) => {
        const { next } = await connection.row<{ next: number }>(
          "SELECT value::DOUBLE AS next FROM totals WHERE name = 'next_seq'",
        );
        const lines = limit > 0 ? await queryLogs(connection, files, query, range, limit) : [];
        const isCut = limit > 0 && lines.length >= limit;
        const matched = isCut ? await countLogs(connection, files, query, range) : lines.length;
        return { lines, next, matched: Math.max(matched, lines.length) };
      });
      response.setHeader("content-type", "application/x-ndjson");
      response.setHeader("modelgate-matched", String(matched));
      response.setHeader("modelgate-next", String(next));
      (response as ServerResponse).flushHeaders();
      for (const line of lines) writeLine(response, line);
      if (follows) {
        const after = numberOf(searchParams, "after") ?? next;
        const numbered = searchParams.get("seq") === "true";
        await follow(response, { database, files }, { from: Math.min(after, next), query, numbered });
      }
      response.end();
    },
  };
}

class Followers {
  private count = 0;

  /** One more, until its response closes. @throws HttpError 503 when there are too many */
  admit(response: Response): void {
    if (this.count >= MAX_FOLLOWERS)
      throw new HttpError(503, "too_many_followers", `${MAX_FOLLOWERS} follow the lines already`);
    this.count++;
    (response as ServerResponse).once("close", () => this.count--);
  }
}
