import type { Logger } from "pino";
import { type LogLine, linesFrom } from "../query/logs.ts";
import type { Database } from "../store/database.ts";
import type { LineFiles } from "../store/line-files.ts";
import { rest, retried } from "./retry.ts";

/** A line and its place in the order of commits, which is the same each time it is sent. */
export interface Numbered {
  seq: number;
  line: LogLine;
}

/** Where lines are sent on to. */
export interface Sink {
  readonly name: string;
  /**
   * Resolves when all lines have arrived, but for those that will never be taken.
   * @param signal ends the attempt, when the collector stops
   * @returns how many will never be taken
   * @throws Error when it should be tried again
   */
  send(lines: Numbered[], signal: AbortSignal): Promise<number>;
  close(): Promise<void>;
}

interface ExportCounts {
  sent: (lines: number) => void;
  /** Lines that the sink refuses for good, or that retention took before they were sent. */
  lost: (lines: number) => void;
  failed: () => void;
}

/** How many sequence numbers are sent at once. */
const WINDOW = 5_000;
const IDLE_MS = 1_000;

/**
 * Sends the stored lines on, in the order of their commits, each at least once: the stored files are the
 * spool, and the place that is reached is kept in the store. Exports run side by side, so none waits for
 * another.
 */
export class Export {
  readonly sink: Sink;
  private readonly database: Database;
  private readonly files: LineFiles;
  private readonly counts: ExportCounts;
  private readonly log: Logger;
  private readonly end = new AbortController();
  private running: Promise<void> | undefined;
  private next = 1;

  constructor(
    sink: Sink,
    {
      database,
      files,
      counts,
      log,
    }: { database: Database; files: LineFiles; counts: ExportCounts; log: Logger },
  ) {
    this.sink = sink;
    this.database = database;
    this.files = files;
    this.counts = counts;
    this.log = log;
  }

  /** How many sequence numbers have not been sent. */
  async lag(): Promise<number> {
    const { next } = await this.database.use((connection) =>
      connection.row<{ next: number }>("SELECT value::DOUBLE AS next FROM totals WHERE name = 'next_seq'"),
    );
    return next - this.next;
  }

  async start(): Promise<void> {
    const name = this.sink.name;
    await this.database.use(async (connection) => {
      const [cursor] = await connection.rows<{ seq: number }>(
        "SELECT seq::DOUBLE AS seq FROM cursors WHERE export = $name",
        { name },
      );
      if (cursor === undefined) await connection.run("INSERT INTO cursors VALUES ($name, 1)", { name });
      this.next = cursor?.seq ?? 1;
    });
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
    await this.sink.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.end;
    const failed = (error: unknown, retryMs: number) => {
      this.counts.failed();
      this.log.warn({ export: this.sink.name, err: error, retryMs }, "an export failed; it is tried again");
    };
    while (!signal.aborted) {
      const isDone = await retried(() => this.step(), signal, failed);
      if (isDone) await rest(IDLE_MS, signal);
    }
  }

  /** Sends some lines. @returns whether there are no more */
  private async step(): Promise<boolean> {
    const { lines, seqs, next, missed } = await this.database.use((connection) =>
      linesFrom(connection, this.files, this.next, WINDOW),
    );
    if (next === this.next) return true;
    const isFirst = this.next === 1;
    const numbered = lines.map((line, i) => ({ line, seq: seqs[i] as number }));
    const refused = numbered.length === 0 ? 0 : await this.sink.send(numbered, this.end.signal);
    await this.database.use((connection) =>
      connection.run("UPDATE cursors SET seq = $next WHERE export = $name", { next, name: this.sink.name }),
    );
    this.next = next;
    this.counts.sent(lines.length - refused);
    this.counts.lost(refused + (isFirst ? 0 : missed));
    return next - (seqs[0] ?? next) < WINDOW / 2;
  }
}
