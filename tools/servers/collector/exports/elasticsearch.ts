import type { Logger } from "pino";
import { Bulk } from "./bulk.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Numbered, Sink } from "./export.ts";

/**
 * Elasticsearch or OpenSearch, one index a day. A line always gets the same id, so what is sent twice is
 * stored once.
 */
export class ElasticsearchSink implements Sink {
  readonly name = "elasticsearch";
  private readonly bulk: Bulk;
  private readonly index: string;

  /** @param index prefix of the names of the indices */
  constructor(endpoint: Endpoint, index: string, log: Logger) {
    this.bulk = new Bulk(endpoint, log.child({ export: this.name }));
    this.index = index;
  }

  send(lines: Numbered[], signal: AbortSignal): Promise<number> {
    return this.bulk.send(
      lines.map((each) => this.operation(each)),
      signal,
    );
  }

  async close(): Promise<void> {}

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
