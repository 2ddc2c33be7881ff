import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { monitoringFiles } from "../../tools/dashboards/files.ts";
import { outcomeOf } from "../../tools/lib/access-log/outcome.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { startBroker } from "../collector/support/kafka-broker.ts";
import { startOpenSearch } from "../collector/support/opensearch.ts";
import { JAVA, lacking } from "../collector/support/parts.ts";
import { toText } from "../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { endlessJob } from "./support/job.ts";
import { type Line, logLines, START } from "./support/lines.ts";
import { panelQueries } from "./support/panel-queries.ts";
import { collectedTraffic, expectSame, KEPT, LATE, sum, type Traffic } from "./support/same-traffic.ts";
import { startSessionCluster } from "./support/session-cluster.ts";

/** From a log file to the queries of a dashboard: collector, Kafka, Flink, Kafka, indexer, OpenSearch. */

const MODELGATE = fileURLToPath(new URL("tools/cli/modelgate.ts", PROJECT_ROOT));
const MINUTES = 6;
const lines = logLines(6_000, MINUTES);
/** Those of four minutes: the watermark is two behind, so the first minutes are counted before the savepoint. */
const before = (lines.length * 2) / 3;
/** After all others, in every partition: their time closes the minutes before. */
const last = Array.from(
  { length: 60 },
  (_, i): Line => ({
    ...(lines[0] as Line),
    ...{ taskid: LATE, request_id: `last-${i}` },
    start_time: new Date(START + 59 * 60_000).toISOString(),
  }),
);

const missing = lacking(JAVA);
if (missing) console.log(`the way from log file to dashboard is not tested: ${missing}`);

describe.skipIf(missing)("from a log file to a dashboard", () => {
  it("each request is counted once, over a savepoint of the job and a killed indexer", async () => {
    const folder = await testFolder();
    const [kafkaPort, searchPort] = [await freePort(), await freePort()];
    const broker = await startBroker(join(folder, "kafka"), kafkaPort);
    onTestFinished(broker.stop);
    const search = await startOpenSearch(join(folder, "opensearch"), searchPort);
    onTestFinished(search.stop);
    const cluster = await startSessionCluster(join(folder, "flink"));
    onTestFinished(cluster.stop);
    const brokers = `127.0.0.1:${kafkaPort}`;
    const url = `http://127.0.0.1:${searchPort}`;
    const log = join(folder, "access.log");
    const write = (some: Line[]) => appendFile(log, toText(some as unknown as Record<string, unknown>[]));
    const kafka = { brokers: [brokers], topic: "modelgate-logs" };
    await write(lines.slice(0, before));
    const collector = await startTestCollector(folder, { ...KEPT, globs: [log], exports: { kafka } });
    const exported = 'modelgate_collector_export_lines_total{export="kafka"}';
    await until(async () => (await collector.metric(exported)) === before, {
      message: "Kafka does not have the first lines",
    });

    const sql = await endlessJob(kafkaPort);
    const job = await cluster.submit(sql);
    const first = startIndexer(brokers, url);
    await until(async () => (await counted(url)) > 0, {
      message: () => `no document came: ${first.log()}`,
      withinMs: 120_000,
    });
    first.child.kill("SIGKILL");
    const savepoint = await cluster.stopWithSavepoint(job);
    await write([...lines.slice(before), ...last]);
    await cluster.submit(sql, savepoint);
    const second = startIndexer(brokers, url);
    await until(async () => (await counted(url)) >= lines.length, {
      message: () => `not all requests came: ${second.log()}`,
      withinMs: 120_000,
    });

    const rows = await documents<Traffic>(url, "modelgate-traffic");
    expect(sum(rows.map(({ requests }) => requests))).toBe(lines.length);
    expectSame(rows, await collectedTraffic(collector, lines.length + last.length));
    const outcomes = await documents<{ outcome: string; requests: number }>(url, "modelgate-outcomes");
    const byOutcome = Object.fromEntries(
      [...Map.groupBy(outcomes, ({ outcome }) => outcome)].map(([outcome, some]) => [
        outcome,
        sum(some.map(({ requests }) => requests)),
      ]),
    );
    expect(byOutcome).toEqual(
      Object.fromEntries([...Map.groupBy(lines, outcomeOf)].map(([outcome, some]) => [outcome, some.length])),
    );

    // The dashboard's own queries, but those with a script, for which the node here has no language.
    const queries = panelQueries((await monitoringFiles()).get("grafana/fleet-elasticsearch.json") ?? "");
    expect(queries.map(({ title }) => title)).toContain("Requests a minute by outcome");
    for (const { title, index, body, sums } of queries.filter(({ scripted }) => !scripted)) {
      const answer = await asked(url, index, body);
      const values = sums(answer.aggregations);
      expect(sum(Object.values(values)), title).toBeGreaterThan(0);
      if (title === "Requests a minute by outcome") expect(values).toEqual(byOutcome);
    }
    second.child.kill("SIGTERM");
    expect(await once(second.child, "exit")).toEqual([0, null]);
  }, 600_000);
});

function startIndexer(brokers: string, url: string): { child: ChildProcess; log(): string } {
  const args = ["indexer", "--kafka", brokers, "--elasticsearch", url, "--log-level", "debug"];
  const child = spawn(process.execPath, [MODELGATE, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let log = "";
  child.stderr?.on("data", (data) => {
    log += data;
  });
  return { child, log: () => log.slice(-4_000) };
}

/** How many requests the documents of traffic have. */
async function counted(url: string): Promise<number> {
  const rows = await documents<Traffic>(url, "modelgate-traffic").catch(() => []);
  return sum(rows.map(({ requests }) => requests));
}

async function documents<T>(url: string, index: string): Promise<T[]> {
  const { hits } = await asked(url, index, { size: 10_000 });
  return hits.hits.map(({ _source }) => _source as T);
}

interface Answer {
  hits: { hits: { _source: unknown }[] };
  aggregations: object;
}

async function asked(url: string, index: string, body: object): Promise<Answer> {
  await fetch(`${url}/${index}/_refresh`, { method: "POST" });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/${index}/_search`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Answer;
}
