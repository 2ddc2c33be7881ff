import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import protobuf from "protobufjs";
import { expect } from "vitest";
import { metricsCommand } from "../../../tools/cli/commands/metrics.ts";
import { topCommand } from "../../../tools/cli/commands/top.ts";
import { monitoringFiles } from "../../../tools/dashboards/files.ts";
import { OUTCOMES, outcomeSql } from "../../../tools/lib/access-log/outcome.ts";
import { OUTCOMES as OF_PAGE, shareOf } from "../../../tools/servers/collector/page/outcomes.ts";
import { panelExpressions, ruleExpressions } from "../../monitoring/expressions.ts";
import { runHere } from "../modelgate.ts";
import type { TestCollector } from "./start.ts";

/** What counts a class. */
export const COLUMNS = {
  served: "served",
  refused: "refused",
  client_error: "client_errors",
  server_error: "errors",
} as const;

/** How many requests ended in each class. */
export type Outcomes = Record<(typeof COLUMNS)[keyof typeof COLUMNS], number>;

/** Where a collector exports its metrics to, as OTLP has them. */
export interface OtlpReceiver {
  url: string;
  /** What came last: sums by name. */
  sums(): Record<string, number>;
  stop(): void;
}

/**
 * Fails unless every place that counts how requests end has these numbers.
 * @param collector has the lines, and exports to `otlp`
 * @param file has the same lines
 */
export async function expectInNinePlaces(
  expected: Outcomes,
  { collector, file, otlp }: { collector: TestCollector; file: string; otlp: OtlpReceiver },
): Promise<void> {
  const requests = Object.values(expected).reduce((sum, each) => sum + each);

  // Store.
  await expect.poll(() => collector.requests()).toBe(requests);
  const [total] = (await collector.traffic("from=1h&step=0&by=")).rows;
  expect(total).toMatchObject(expected);

  // Page.
  const shown = OF_PAGE.map(({ field }) => Math.round((shareOf(total as never, field) as number) * requests));
  expect(shown).toEqual([expected.served, expected.refused, expected.client_errors, expected.errors]);

  // Commands, of the collector and of files.
  for (const source of [["--collector", collector.url], [file]]) {
    const json = await runHere(metricsCommand(), [...source, "--by", "", "-o", "json"]);
    expect(JSON.parse(json.stdout).rows[0]).toMatchObject(expected);
  }
  const percent = (part: number) => `${((100 * part) / requests).toFixed(2)}%`;
  const text = (await runHere(metricsCommand(), [file, "--by", ""])).stdout.split("\n")[1]?.split(/ {3,}/);
  expect(text?.slice(2, 5)).toEqual([expected.errors, expected.client_errors, expected.refused].map(percent));
  const top = (await runHere(topCommand(), [file])).stdout;
  expect(top).toContain(`${percent(expected.errors)} errors`);

  // Prometheus, and with it alerts and dashboards.
  const metric = async (name: string) => {
    const page = await (await fetch(`${collector.url}/metrics`)).text();
    const found = [...page.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))];
    return found.reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const counters = {
    served: "modelgate_served_total",
    refused: "modelgate_refused_total",
    client_errors: "modelgate_client_errors_total",
    errors: "modelgate_errors_total",
  };
  await expect.poll(() => metric("modelgate_requests_total")).toBe(requests);
  for (const [name, counter] of Object.entries(counters))
    expect(await metric(counter), counter).toBe(expected[name as keyof typeof expected]);
  const burn = ruleExpressions().filter(({ name }) => name.startsWith("modelgate:error_ratio:"));
  expect(burn).toHaveLength(7);
  for (const { expr } of burn)
    expect(expr.match(/modelgate_\w+/g)).toEqual([counters.errors, "modelgate_requests_total"]);
  const files = await monitoringFiles();
  for (const dashboard of ["fleet", "tenant", "task"]) {
    const panel = panelExpressions(files).filter(
      ({ name }) => name === `grafana/${dashboard}.json Requests by outcome`,
    );
    expect(panel.map(({ expr }) => /modelgate_\w+/.exec(expr)?.[0])).toEqual(Object.values(counters));
    const documents = files.get(`grafana/${dashboard}-elasticsearch.json`);
    expect(documents).toContain('"title": "Requests a minute by outcome"');
    expect(documents).toContain('outcome.keyword:\\"refused\\"');
  }

  // OTLP.
  await expect
    .poll(() => otlp.sums())
    .toMatchObject({
      "modelgate.served": expected.served,
      "modelgate.refused": expected.refused,
      "modelgate.client_errors": expected.client_errors,
      "modelgate.errors": expected.errors,
      "modelgate.requests": requests,
    });

  // The stream job; npm run test:flink runs it.
  expect(await readFile("manifests/stream/traffic-metrics.sql", "utf8")).toContain(
    `${outcomeSql()} AS outcome`,
  );
  const page = await readFile("docs/concepts/outcomes.md", "utf8");
  for (const name of [...OUTCOMES, ...Object.values(counters)]) expect(page).toContain(`\`${name}\``);
}

/** Starts a receiver on 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  let last: Buffer | undefined;
  const server: Server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    if (request.url === "/v1/metrics") last = body;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sums: () => otlpSums(last),
    stop: () => void server.close().closeAllConnections(),
  };
}

/** Of opentelemetry/proto/metrics/v1/metrics.proto what sums need. */
const { root } = protobuf.parse(`syntax = "proto3";
message Request { repeated Resource resource_metrics = 1; }
message Resource { repeated Scope scope_metrics = 2; }
message Scope { repeated Metric metrics = 2; }
message Metric { string name = 1; Sum sum = 7; }
message Sum { repeated Point data_points = 1; }
message Point { double as_double = 4; }`);

function otlpSums(body: Buffer | undefined): Record<string, number> {
  if (body === undefined) return {};
  const request = root.lookupType("Request").decode(body) as unknown as {
    resourceMetrics: {
      scopeMetrics: { metrics: { name: string; sum?: { dataPoints: { asDouble: number }[] } }[] }[];
    }[];
  };
  const metrics = request.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap((each) => each.metrics),
  );
  return Object.fromEntries(
    metrics.flatMap(({ name, sum }) =>
      sum ? [[name, sum.dataPoints.reduce((all, { asDouble }) => all + asDouble, 0)]] : [],
    ),
  );
}
