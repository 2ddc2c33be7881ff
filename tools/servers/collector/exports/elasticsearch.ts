import type { Logger } from "pino";
import { type Endpoint, HttpStatusError, post } from "./endpoint.ts";
import type { Numbered, Sink } from "./export.ts";

/** Lines in one request, until the server finds it too large. */
const BULK_LINES = 2_000;
const RETRY_STATUS = new Set([408, 425, 429]);

interface BulkAnswer {
  errors: boolean;
  items: Record<string, { status: number; error?: { type?: string; reason?: string } }>[];
}

/**
 * The bulk interface of Elasticsearch and OpenSearch, one index a day. A line always gets the same id, so
 * what is sent twice is stored once. Lines that were turned away for want of room are sent again, others that
 * were turned away are given up.
 */
export class ElasticsearchSink implements Sink {
  readonly name = "elasticsearch";
  private readonly endpoint: Endpoint;
  private readonly index: string;
  private readonly log: Logger;
  private bulkLines = BULK_LINES;

  /** @param index prefix of the names of the indices */
  constructor(endpoint: Endpoint, index: string, log: Logger) {
    this.endpoint = { ...endpoint, url: `${endpoint.url.replace(/\/$/, "")}/_bulk` };
    this.index = index;
    this.log = log;
  }

  async send(lines: Numbered[], signal: AbortSignal): Promise<number> {
    let refused = 0;
    for (let from = 0; from < lines.length; ) {
      const some = lines.slice(from, from + this.bulkLines);
      try {
        refused += await this.sendSome(some, signal);
        from += some.length;
      } catch (error) {
        if (!(error instanceof HttpStatusError) || error.status !== 413) throw error;
        if (some.length > 1) {
          this.bulkLines = Math.ceil(some.length / 2);
          continue;
        }
        this.log.warn({ export: this.name, err: error }, "a line is too large for the server");
        this.bulkLines = BULK_LINES;
        refused++;
        from++;
      }
    }
    return refused;
  }

  async close(): Promise<void> {}

  private async sendSome(lines: Numbered[], signal: AbortSignal): Promise<number> {
    const body = lines.map((each) => this.operation(each)).join("");
    const answer = JSON.parse(
      (await post(this.endpoint, body, "application/x-ndjson", signal)).toString("utf8"),
    ) as BulkAnswer;
    if (!answer.errors) return 0;
    let refused = 0;
    const again: Numbered[] = [];
    for (const [i, item] of answer.items.entries()) {
      const { status, error } = Object.values(item)[0] ?? { status: 200 };
      if (status < 300) continue;
      if (status >= 500 || RETRY_STATUS.has(status)) again.push(lines[i] as Numbered);
      else {
        refused++;
        this.log.warn({ export: this.name, status, error }, "a line is refused for good");
      }
    }
    if (again.length === 0) return refused;
    if (again.length === lines.length)
      throw new Error(`${again.length} lines were turned away for want of room`);
    return refused + (await this.sendSome(again, signal));
  }

  private operation({ line, seq }: Numbered): string {
    const time = String(line.start_time);
    const action = {
      index: { _index: `${this.index}-${time.slice(0, 10).replaceAll("-", ".")}`, _id: idOf(line, seq) },
    };
    return `${JSON.stringify(action)}\n${JSON.stringify({ "@timestamp": time, ...line })}\n`;
  }
}

/** The same for a line each time, also from another store that took the same line. */
function idOf(line: Numbered["line"], seq: number): string {
  if (line.request_id === undefined) return `seq-${seq}`;
  // Ids may have 512 bytes, and request ids are what clients send.
  const time = Date.parse(String(line.start_time));
  return `${Buffer.from(String(line.request_id)).toString("base64url").slice(0, 400)}-${time}`;
}
