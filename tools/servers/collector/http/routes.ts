import type { ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { HttpError, readBody, sendJson } from "../../http/http.ts";
import type { CurrentLimit } from "../cluster-events/limit-events.ts";
import { parseAlerts } from "../query/alerts.ts";
import { addEvents, parseEvents, queryEvents } from "../query/events.ts";
import { queryHeatmap } from "../query/heatmap.ts";
import { logsQueryOf, queryLogs } from "../query/logs.ts";
import { queryNames } from "../query/names.ts";
import { dimensionsOf, filtersOf, numberOf, rangeOf, stepOf } from "../query/parameters.ts";
import { queryTraffic } from "../query/traffic.ts";
import { RECENT_SECONDS } from "../store/aggregate.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";
import { follow, writeLine } from "./follow.ts";
import type { Route } from "./handler.ts";
import type { Receiver } from "./receive.ts";
import type { SenderTokens } from "./sender-tokens.ts";

const EVENTS_BYTES = 1 << 20;
const LOGS_LIMIT = 100;
const MAX_LOGS = 10_000;
/** Who follows lines asks the store twice a second. */
const MAX_FOLLOWERS = 64;
/** After so long without a commit a new process may do better. */
const UNHEALTHY_MS = 5 * 60_000;

interface RouteOptions {
  database: Database;
  files: LineFiles;
  receiver: Receiver;
  registry: Registry;
  senderTokens?: SenderTokens | undefined;
  /** The limits that the controller shares now, when the cluster is watched. */
  limits: () => CurrentLimit[];
  /** Why nothing is stored now, if so, and since when. */
  fault: () => { message: string; since: number } | undefined;
}

const BATCH_ROUTES = ["POST /v1/logs", "GET /healthz", "GET /readyz"];

/** Those of the routes that senders of batches need. */
export function batchRoutes(all: Record<string, Route>): Record<string, Route> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => BATCH_ROUTES.includes(name)));
}

export function routes(options: RouteOptions): Record<string, Route> {
  const groups = [lineRoutes, trafficRoutes, eventRoutes, stateRoutes];
  return Object.assign({}, ...groups.map((routesOf) => routesOf(options)));
}

/** Log lines: taken in, found, and followed by so many. */
function lineRoutes({ database, files, receiver, senderTokens }: RouteOptions): Record<string, Route> {
  let followers = 0;
  return {
    "POST /v1/logs": async (request, response) => {
      senderTokens?.check(request.headers);
      sendJson(response, 200, { accepted: await receiver.receive(request) });
    },

    "GET /api/v1/logs": async (_request, response, { searchParams }) => {
      const query = logsQueryOf(searchParams);
      const range = rangeOf(searchParams);
      const limit = Math.min(numberOf(searchParams, "limit") ?? LOGS_LIMIT, MAX_LOGS);
      const follows = searchParams.get("follow") === "true";
      if (follows && followers >= MAX_FOLLOWERS)
        throw new HttpError(503, "too_many_followers", `${MAX_FOLLOWERS} follow the lines already`);
      if (follows) {
        followers++;
        (response as ServerResponse).once("close", () => followers--);
      }
      const { lines, next } = await database.use(async (connection) => ({
        ...(await connection.row<{ next: number }>(
          "SELECT value::DOUBLE AS next FROM totals WHERE name = 'next_seq'",
        )),
        lines: limit > 0 ? await queryLogs(connection, files, query, range, limit) : [],
      }));
      response.setHeader("content-type", "application/x-ndjson");
      (response as ServerResponse).flushHeaders();
      for (const line of lines) writeLine(response, line);
      if (follows) await follow(response, database, files, next, query);
      response.end();
    },
  };
}

/** What the page and the commands ask of traffic. */
function trafficRoutes({ database, limits }: RouteOptions): Record<string, Route> {
  return {
    "GET /api/v1/traffic": async (_request, response, { searchParams }) => {
      const query = {
        range: rangeOf(searchParams),
        filters: filtersOf(searchParams),
        by: dimensionsOf(searchParams),
        step: stepOf(searchParams, RECENT_SECONDS),
      };
      sendJson(response, 200, await database.use((connection) => queryTraffic(connection, query)));
    },

    "GET /api/v1/heatmap": async (_request, response, { searchParams }) => {
      const query = {
        range: rangeOf(searchParams),
        filters: filtersOf(searchParams),
        step: stepOf(searchParams, RECENT_SECONDS),
      };
      sendJson(response, 200, await database.use((connection) => queryHeatmap(connection, query)));
    },

    "GET /api/v1/names": async (_request, response, { searchParams }) =>
      sendJson(
        response,
        200,
        await database.use((connection) => queryNames(connection, rangeOf(searchParams))),
      ),

    "GET /api/v1/limits": (_request, response, { searchParams }) => {
      const { tenant, taskid, gateway } = filtersOf(searchParams);
      const chosen = limits().filter(
        (limit) =>
          (tenant?.includes(limit.tenant) ?? true) &&
          (taskid?.includes(limit.taskid) ?? true) &&
          (gateway?.includes(limit.gateway) ?? true),
      );
      sendJson(response, 200, { limits: chosen });
    },
  };
}

/** Alerts of Prometheus, and what others report, on the time line. */
function eventRoutes({ database }: RouteOptions): Record<string, Route> {
  return {
    "GET /api/v1/events": async (_request, response, { searchParams }) => {
      const events = await database.use((connection) =>
        queryEvents(connection, rangeOf(searchParams), filtersOf(searchParams)),
      );
      sendJson(response, 200, { events });
    },

    "POST /api/v1/alerts": async (request, response) => {
      const events = parseAlerts(await readBody(request, EVENTS_BYTES));
      await database.use((connection) => addEvents(connection, events));
      sendJson(response, 202, { accepted: events.length });
    },

    "POST /api/v1/events": async (request, response) => {
      const events = parseEvents(await readBody(request, EVENTS_BYTES));
      await database.use((connection) => addEvents(connection, events));
      sendJson(response, 202, { accepted: events.length });
    },
  };
}

/** Whether the collector does well. */
function stateRoutes({ registry, fault }: RouteOptions): Record<string, Route> {
  return {
    "GET /metrics": async (_request, response) => {
      const text = await registry.metrics();
      response.setHeader("content-type", registry.contentType);
      response.end(text);
    },

    "GET /healthz": (_request, response) => {
      const failing = fault();
      if (failing !== undefined && Date.now() - failing.since > UNHEALTHY_MS)
        throw new HttpError(503, "store_failing", failing.message);
      sendJson(response, 200, { status: "ok" });
    },

    "GET /readyz": (_request, response) => {
      const failing = fault();
      if (failing !== undefined) throw new HttpError(503, "store_failing", failing.message);
      sendJson(response, 200, { status: "ok" });
    },
  };
}
