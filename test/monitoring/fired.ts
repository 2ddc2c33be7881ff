import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { FOLDER, monitoringFiles } from "../../tools/dashboards/files.ts";
import type { Event } from "../../tools/servers/collector/query/events.ts";
import { answers, type Program, startProgram } from "../cluster/support/process.ts";
import { Child } from "../support/child.ts";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { freePort } from "../support/free-port.ts";
import { pace } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { panelExpressions } from "./expressions.ts";

const EXAMPLES = fileURLToPath(new URL("../examples/search", FOLDER));
const WITHIN_MS = 60_000;

/**
 * The rules in a real Prometheus, which scrapes a real collector and a real controller, and tells a real Alertmanager, which tells the collector: alerts
 * get on its time line, and off it. Then the dashboards' queries are asked of that Prometheus.
 * @param programs the servers' executables
 * @throws Error that says what did not happen
 */
export async function alertsReachTheTimeLine(
  folder: string,
  programs: { prometheus: string; alertmanager: string },
): Promise<void> {
  const stops: { stop(): Promise<void> }[] = [];
  const controllerPort = await freePort();
  const alertmanagerPort = await freePort();
  const prometheusPort = await freePort();
  try {
    const collector = Child.modelgate(
      "collector",
      "--listen",
      "127.0.0.1:0",
      "--store",
      join(folder, "store"),
    );
    stops.push(collector);
    const url = await collector.printed(/"url":"([^"]+)"/);
    const alertmanager = `127.0.0.1:${alertmanagerPort}`;
    stops.push(await startAlertmanager(programs.alertmanager, folder, alertmanager, url));
    const targets = [new URL(url).host, `127.0.0.1:${controllerPort}`];
    const prometheus = `127.0.0.1:${prometheusPort}`;
    stops.push(await startPrometheus(programs.prometheus, folder, { prometheus, alertmanager, targets }));

    const sending = new AbortController();
    const refused = send(url, sending.signal);
    await eventOf(
      url,
      ({ reason, message }) => reason === "ModelgateControllerDown" && message === "No controller leads",
    );
    const { tenant, taskid, source, message } = await eventOf(
      url,
      ({ reason }) => reason === "ModelgateRefusals",
    );
    if (
      tenant !== "search" ||
      taskid !== "666" ||
      source !== "Alertmanager" ||
      !message.includes("credential_unknown")
    )
      throw new Error(`the alert of refusals says ${JSON.stringify({ tenant, taskid, source, message })}`);
    console.log(`alert on the time line: ${message}`);

    const admin = `127.0.0.1:${controllerPort}`;
    stops.push(
      Child.modelgate("controller", "--config", EXAMPLES, "--listen", "127.0.0.1:0", "--admin", admin),
    );
    const over = await eventOf(
      url,
      (event) => event.reason === "ModelgateControllerDown" && event.message.startsWith("over:"),
    );
    console.log(`and off it: ${over.message}`);

    await askPanels(`http://${prometheus}`);
    sending.abort();
    await refused;
  } finally {
    for (const each of stops.reverse()) await each.stop();
  }
}

async function startAlertmanager(
  command: string,
  folder: string,
  address: string,
  url: string,
): Promise<Program> {
  const receiver = { name: "modelgate", webhook_configs: [{ url: `${url}/api/v1/alerts` }] };
  const route = {
    receiver: "modelgate",
    group_by: ["..."],
    group_wait: "0s",
    group_interval: "1s",
    repeat_interval: "1h",
  };
  const file = join(folder, "alertmanager.yml");
  writeFileSync(file, stringify({ route, receivers: [receiver] }));
  return startProgram({
    ...{ name: "alertmanager", command, folder },
    args: [
      `--config.file=${file}`,
      `--storage.path=${join(folder, "alertmanager")}`,
      `--web.listen-address=${address}`,
      "--cluster.listen-address=",
    ],
    ready: () => answers(`http://${address}/-/ready`),
  });
}

async function startPrometheus(
  command: string,
  folder: string,
  { prometheus, alertmanager, targets }: { prometheus: string; alertmanager: string; targets: string[] },
): Promise<Program> {
  const rules = join(folder, "rules.yml");
  writeFileSync(rules, stringify(hurried()));
  const file = join(folder, "prometheus.yml");
  writeFileSync(
    file,
    stringify({
      global: { scrape_interval: "1s", evaluation_interval: "1s" },
      rule_files: [rules],
      scrape_configs: [{ job_name: "modelgate", static_configs: [{ targets }] }],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    }),
  );
  return startProgram({
    ...{ name: "prometheus", command, folder },
    args: [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder, "prometheus")}`,
      `--web.listen-address=${prometheus}`,
      // An alert that fires before Prometheus has found Alertmanager is told again.
      "--rules.alert.resend-delay=1s",
    ],
    ready: () => answers(`http://${prometheus}/-/ready`),
  });
}

/** The rules as they are shipped, but that alerts wait for nothing. */
function hurried(): object {
  const { groups } = parse(readFileSync(fileURLToPath(new URL("modelgate.rules.yaml", FOLDER)), "utf8")) as {
    groups: { name: string; rules: { for?: string }[] }[];
  };
  return {
    groups: groups.map(({ name, rules }) => ({ name, rules: rules.map(({ for: _, ...rule }) => rule) })),
  };
}

/** Sends lines, of which half are refused, until `signal`. */
async function send(url: string, signal: AbortSignal): Promise<void> {
  const refusal = { decision: "refused", reason: "credential_unknown", response_code: 401 };
  while (!signal.aborted) {
    const lines = [logLine(), logLine(refusal)];
    await fetch(`${url}/v1/logs`, { method: "POST", body: toText(lines) });
    await pace(200);
  }
}

async function eventOf(url: string, matches: (event: Event) => boolean): Promise<Event> {
  let seen: Event[] = [];
  const found = async () => {
    const answer = await fetch(`${url}/api/v1/events?from=1h`);
    seen = ((await answer.json()) as { events: Event[] }).events;
    return seen.find(matches);
  };
  const message = () => `no such event on the time line: ${JSON.stringify(seen)}`;
  return until(found, { withinMs: WITHIN_MS, everyMs: 500, message });
}

/** Asks what the dashboards ask. @throws Error for a query that Prometheus refuses, or when hardly one has an answer */
async function askPanels(prometheus: string): Promise<void> {
  const panels = panelExpressions(await monitoringFiles(), ".*");
  let answered = 0;
  for (const { name, expr } of panels) {
    const response = await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(expr)}`);
    const { status, error, data } = (await response.json()) as {
      status: string;
      error?: string;
      data?: { result: unknown[] };
    };
    if (status !== "success") throw new Error(`${name}: ${error}: ${expr}`);
    if ((data?.result.length ?? 0) > 0) answered++;
  }
  console.log(`dashboards: Prometheus takes all ${panels.length} queries, and has data for ${answered}`);
  if (answered < panels.length / 2) throw new Error("more than half of the queries have no data");
}
