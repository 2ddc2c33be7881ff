import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type Program, startProgram } from "../cluster/support/process.ts";
import { logLine, toText } from "../support/collector/log-lines.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { freePort } from "../support/free-port.ts";
import { GO, goProgram, lacking } from "./support/parts.ts";

const missing = lacking(GO);
if (missing) console.log(`OpenTelemetry tests are skipped: ${missing}`);
const FOLDER = fileURLToPath(new URL("otelcol", import.meta.url));

let program: Program | undefined;
afterEach(() => program?.stop());

/** The OpenTelemetry collector, which prints what it gets. */
async function startOtelcol(folder: string, port: number): Promise<Program> {
  const config = join(folder, "config.json");
  await mkdir(folder, { recursive: true });
  const pipeline = { receivers: ["otlp"], exporters: ["debug"] };
  await writeFile(
    config,
    JSON.stringify({
      receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
      exporters: { debug: { verbosity: "detailed" } },
      service: {
        telemetry: { metrics: { level: "none" } },
        pipelines: { logs: pipeline, metrics: pipeline },
      },
    }),
  );
  return startProgram({
    name: "otelcol",
    command: await goProgram(FOLDER),
    args: ["--config", config],
    folder,
    ready: async () => (await fetch(`http://127.0.0.1:${port}/v1/logs`)).status === 405,
  });
}

describe.skipIf(missing)("a real OpenTelemetry collector", () => {
  it("gets the lines as log records, and the traffic as metrics", async () => {
    const folder = await testFolder();
    const port = await freePort();
    program = await startOtelcol(join(folder, "otelcol"), port);
    await appendFile(
      join(folder, "a.log"),
      toText([
        ...Array.from({ length: 40 }, () => logLine()),
        logLine({ taskid: "seen", response_code: 503, trace_id: "0af7651916cd43dd8448eb211c80319c" }),
      ]),
    );
    const collector = await startTestCollector(folder, {
      exports: { otlp: { url: `http://127.0.0.1:${port}`, headers: {} } },
      otlpMetricsMs: 3_000,
    });
    const log = () => program?.log() ?? Promise.resolve("");
    await expect.poll(log).toContain("modelgate.taskid: Str(seen)");
    expect((await log()).match(/^LogRecord #/gm)).toHaveLength(41);
    expect(await log()).toContain("Trace ID: 0af7651916cd43dd8448eb211c80319c");
    expect(await log()).toContain("http.response.status_code: Int(503)");
    await expect.poll(log).toContain("-> Name: modelgate.request.duration");
    expect(await log()).toMatch(
      /Name: modelgate\.requests[\s\S]*AggregationTemporality: Cumulative[\s\S]*Value: 40/,
    );
    expect(await collector.metric('modelgate_collector_export_errors_total{export="otlp"}')).toBeUndefined();
  });
});
