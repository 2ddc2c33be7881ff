import type { Logger } from "pino";
import { type Endpoint, HttpStatusError, post } from "./endpoint.ts";

/** Operations in one request, until the server finds it too large. */
const MOST = 2_000;
const RETRY_STATUS = new Set([408, 425, 429]);

interface BulkAnswer {
  errors: boolean;
  items: Record<string, { status: number; error?: { type?: string; reason?: string } }>[];
}

/**
 * The bulk interface of Elasticsearch and OpenSearch. What was turned away for want of room is sent again,
 * what was turned away otherwise is given up.
 */
export class Bulk {
  private readonly endpoint: Endpoint;
  private readonly log: Logger;
  private most = MOST;

  /** @param endpoint of the server */
  constructor(endpoint: Endpoint, log: Logger) {
    this.endpoint = { ...endpoint, url: `${endpoint.url.replace(/\/$/, "")}/_bulk` };
    this.log = log;
  }

  /**
   * Resolves when the server has all operations, but for those that it will never take.
   * @param operations an action and its document each, as the interface has them: lines of JSON
   * @param signal ends the attempt
   * @returns how many will never be taken
   * @throws Error when it should be tried again
   */
  async send(operations: string[], signal: AbortSignal): Promise<number> {
    let refused = 0;
    for (let from = 0; from < operations.length; ) {
      const some = operations.slice(from, from + this.most);
      try {
        refused += await this.sendSome(some, signal);
        from += some.length;
      } catch (error) {
        if (!(error instanceof HttpStatusError) || error.status !== 413) throw error;
        if (some.length > 1) {
          this.most = Math.ceil(some.length / 2);
          continue;
        }
        this.log.warn({ err: error }, "a document is too large for the server");
        this.most = MOST;
        refused++;
        from++;
      }
    }
    return refused;
  }

  private async sendSome(operations: string[], signal: AbortSignal): Promise<number> {
    const answer = JSON.parse(
      (await post(this.endpoint, operations.join(""), "application/x-ndjson", signal)).toString("utf8"),
    ) as BulkAnswer;
    if (!answer.errors) return 0;
    let refused = 0;
    const again: string[] = [];
    for (const [i, item] of answer.items.entries()) {
      const { status, error } = Object.values(item)[0] ?? { status: 200 };
      if (status < 300) continue;
      if (status >= 500 || RETRY_STATUS.has(status)) again.push(operations[i] as string);
      else {
        refused++;
        this.log.warn({ status, error }, "a document is refused for good");
      }
    }
    if (again.length === 0) return refused;
    if (again.length === operations.length)
      throw new Error(`${again.length} documents were turned away for want of room`);
    return refused + (await this.sendSome(again, signal));
  }
}
