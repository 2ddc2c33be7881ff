import { setTimeout as sleep } from "node:timers/promises";
import type { LogLine } from "./query/logs.ts";

/** Log lines of a range, and how many there are if `limit` were larger. */
export interface FoundLines {
  matched: number;
  lines: LogLine[];
}

/** Asks a collector. */
export class CollectorClient {
  private readonly url: string;
  private readonly headers: Record<string, string>;

  /** @param token of a reader, where the collector asks for one */
  constructor(url: string, token?: string) {
    this.url = url.replace(/\/$/, "");
    this.headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** @throws Error that names the collector, or says what it answered */
  async json<Answer>(path: string, parameters: URLSearchParams): Promise<Answer> {
    return (await (await this.get(path, parameters)).json()) as Answer;
  }

  async logs(parameters: URLSearchParams): Promise<FoundLines> {
    const response = await this.get("/api/v1/logs", parameters);
    const lines: LogLine[] = [];
    for await (const line of linesOf(response)) lines.push(line);
    return { matched: Number(response.headers.get("modelgate-matched") ?? lines.length), lines };
  }

  /**
   * Log lines as they come, without end. A collector that goes away is asked again until it is back, for what
   * has come since.
   * @param told what there is to say of the first lines, and of a collector that is away
   * @throws Error when the first question gets no answer
   */
  async *follow(
    parameters: URLSearchParams,
    told: { found(matched: number): void; lost(): void; back(): void },
    retryMs = RETRY_MS,
  ): AsyncGenerator<LogLine> {
    const query = new URLSearchParams(parameters);
    query.set("follow", "true");
    query.set("seq", "true");
    let response = await this.get("/api/v1/logs", query);
    told.found(Number(response.headers.get("modelgate-matched")));
    let next = Number(response.headers.get("modelgate-next"));
    // What is found is behind the collector; only what it says from then on is worth asking for again.
    query.set("limit", "0");
    for (;;) {
      try {
        for await (const { seq, ...line } of linesOf(response)) {
          if (seq !== undefined) next = Number(seq) + 1;
          yield line;
        }
      } catch {
        // It went in the middle of a line.
      }
      told.lost();
      query.set("after", String(next));
      response = await this.again(query, retryMs);
      told.back();
    }
  }

  private async again(query: URLSearchParams, retryMs: number): Promise<Response> {
    for (;;) {
      await sleep(retryMs);
      try {
        return await this.get("/api/v1/logs", query);
      } catch {
        // It is away still.
      }
    }
  }

  private async get(path: string, parameters: URLSearchParams): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}?${parameters}`, { headers: this.headers });
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

const RETRY_MS = 1_000;

/** @throws Error when the connection breaks */
async function* linesOf({ body }: Response): AsyncGenerator<LogLine> {
  if (body === null) return;
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) if (line !== "") yield JSON.parse(line) as LogLine;
  }
}
