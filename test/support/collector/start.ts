import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { onTestFinished } from "vitest";
import { temporaryFolder } from "../../../tools/lib/temporary-folder.ts";
import { type Collector, startCollector } from "../../../tools/servers/collector/collector.ts";
import type { CollectorOptions } from "../../../tools/servers/collector/options.ts";
import type { Traffic } from "../../../tools/servers/collector/query/traffic.ts";

/** Keeps what is to be done when a test, or all tests of a file, are over. */
export type WhenOver = (end: () => Promise<void>) => void;

/** A folder that goes after the test. */
export async function testFolder(whenOver: WhenOver = onTestFinished): Promise<string> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-collector-"));
  whenOver(() => folder.remove());
  return folder.path;
}

/** A collector in this process that ends after the test. */
export async function startTestCollector(
  folder: string,
  options: Partial<CollectorOptions> = {},
  whenOver: WhenOver = onTestFinished,
): Promise<TestCollector> {
  const collector = await startCollector({
    folder: join(folder, "store"),
    listen: { host: "127.0.0.1", port: 0 },
    globs: [join(folder, "*.log")],
    keepMs: 7 * 86_400_000,
    keepMetricsMs: 30 * 86_400_000,
    keepBytes: 2 ** 30,
    spoolBytes: 2 ** 30,
    intervalMs: 20,
    topSeries: 100,
    exports: {},
    otlpMetricsMs: 60_000,
    log: pino({ level: "silent" }),
    ...options,
  });
  const test = new TestCollector(collector);
  whenOver(() => test.stop());
  return test;
}

export class TestCollector {
  readonly url: string;
  private readonly collector: Collector;
  private stopped: Promise<void> | undefined;

  constructor(collector: Collector) {
    this.collector = collector;
    this.url = collector.url;
  }

  stop(): Promise<void> {
    this.stopped ??= this.collector.stop();
    return this.stopped;
  }

  async json<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  traffic(query: string): Promise<Traffic> {
    return this.json(`/api/v1/traffic?${query}`);
  }

  /** How many requests are counted. */
  async requests(query = ""): Promise<number> {
    const { rows } = await this.traffic(`from=6d&step=0&by=&${query}`);
    return rows[0]?.requests ?? 0;
  }

  async logs(query = ""): Promise<Record<string, unknown>[]> {
    const response = await fetch(`${this.url}/api/v1/logs?from=6d&${query}`);
    return (await response.text())
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  post(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/v1/logs`, { method: "POST", body: body as BodyInit, headers });
  }

  /** The value of one line of /metrics. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.slice(name.length + 1));
  }
}
