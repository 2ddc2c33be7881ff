import type { Registry } from "prom-client";
import { HttpError, readBody, sendJson } from "../../http/http.ts";
import type { CurrentLimit } from "../cluster-events/limit-events.ts";
import { parseAlerts } from "../query/alerts.ts";
import type { BudgetSource } from "../query/budgets.ts";
import { addEvents, parseEvents, queryEvents } from "../query/events.ts";
import { queryHeatmap } from "../query/heatmap.ts";
import { lineQueryOf } from "../query/line-query.ts";
import { withRelations } from "../query/line-traffic.ts";
import { queryNames } from "../query/names.ts";
import { type Filters, filtersOf, groupsOf, type Range, rangeOf, stepOf } from "../query/parameters.ts";
import { querySpend, spendQueryOf } from "../query/spend.ts";
import { queryTraffic } from "../query/traffic.ts";
import { RECENT_SECONDS } from "../store/aggregate.ts";
import type { Route } from "./handler.ts";
import { type LineRouteOptions, lineRoutes } from "./line-routes.ts";

const EVENTS_BYTES = 1 << 20;
/** After so long without a commit a new process may do better. */
const UNHEALTHY_MS = 5 * 60_000;

interface RouteOptions extends LineRouteOptions {
  registry: Registry;
  /** Where a trace is shown; see `CollectorOptions`. */
  traceUrl?: string | undefined;
  /** The budgets that controllers tell of. */
  budgets: BudgetSource;
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

/** What the page and the commands ask of traffic. */
function trafficRoutes({ database, files, limits, budgets }: RouteOptions): Record<string, Route> {
  return {
    "GET /api/v1/traffic": async (_request, response, { searchParams }) => {
      const query = { ...questionOf(searchParams), by: groupsOf(searchParams) };
      const lines = lineQueryOf(searchParams);
      const traffic = await database.use((connection) =>
        withRelations(connection, files, query, lines, (relations) =>
          queryTraffic(connection, query, relations),
        ),
      );
      sendJson(response, 200, traffic);
    },

    "GET /api/v1/spend": async (_request, response, { searchParams }) => {
      const query = spendQueryOf(searchParams);
      sendJson(response, 200, await database.use((connection) => querySpend(connection, query)));
    },

    "GET /api/v1/budgets": async (_request, response, { searchParams }) =>
      sendJson(response, 200, { budgets: await budgets.read(filtersOf(searchParams).tenant) }),

    "GET /api/v1/heatmap": async (_request, response, { searchParams }) => {
      const query = { ...questionOf(searchParams), by: [] };
      const lines = lineQueryOf(searchParams);
      const heatmap = await database.use((connection) =>
        withRelations(connection, files, query, lines, (relations) =>
          queryHeatmap(connection, query, relations),
        ),
      );
      sendJson(response, 200, heatmap);
    },

    "GET /api/v1/names": async (_request, response, { searchParams }) =>
      sendJson(
        response,
        200,
        await database.use((connection) =>
          queryNames(connection, rangeOf(searchParams), filtersOf(searchParams)),
        ),
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

function questionOf(parameters: URLSearchParams): { range: Range; filters: Filters; step: number } {
  return {
    range: rangeOf(parameters),
    filters: filtersOf(parameters),
    step: stepOf(parameters, RECENT_SECONDS),
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
function stateRoutes({ registry, fault, traceUrl }: RouteOptions): Record<string, Route> {
  return {
    "GET /api/v1/settings": (_request, response) =>
      sendJson(response, 200, { ...(traceUrl !== undefined && { trace_url: traceUrl }) }),

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
