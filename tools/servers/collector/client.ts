import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { LogLine } from "./query/logs.ts";

/** Asks a collector. */
export class CollectorClient {
  private readonly url: string;

  constructor(url: string) {
    this.url = url.replace(/\/$/, "");
  }

  /** @throws Error that names the collector, or says what it answered */
  async json<Answer>(path: string, parameters: URLSearchParams): Promise<Answer> {
    return (await (await this.get(path, parameters)).json()) as Answer;
  }

  /** Log lines as they come. */
  async *lines(path: string, parameters: URLSearchParams): AsyncGenerator<LogLine> {
    const { body } = await this.get(path, parameters);
    if (body === null) return;
    for await (const line of createInterface({ input: Readable.fromWeb(body as never) }))
      if (line !== "") yield JSON.parse(line) as LogLine;
  }

  private async get(path: string, parameters: URLSearchParams): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}?${parameters}`);
    } catch (error) {
      const cause = (error as Error).cause as Error | undefined;
      throw new Error(
        `no collector answers at ${this.url} (${cause?.message ?? (error as Error).message}); name one with --collector, or a file of log lines`,
      );
    }
    if (response.ok) return response;
    const { error } = (await response.json().catch(() => ({}))) as { error?: string };
    throw new Error(`${this.url} answers ${response.status}: ${error ?? response.statusText}`);
  }
}
