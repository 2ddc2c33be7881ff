import { drawOver } from "./output.ts";

const CLEAR_LINE = "\r\x1b[K";
const INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;

/** Counts work on stderr: one line that is rewritten on a terminal, a line now and then elsewhere. */
export class Progress {
  private done = 0;
  private shown = Date.now();
  private readonly label: string;
  private readonly total: number;
  private readonly intervalMs: number;

  constructor(
    label: string,
    total: number,
    intervalMs = process.stderr.isTTY ? INTERVAL_MS : PLAIN_INTERVAL_MS,
  ) {
    this.label = label;
    this.total = total;
    this.intervalMs = intervalMs;
  }

  step(): void {
    this.done++;
    if (Date.now() - this.shown < this.intervalMs) return;
    this.shown = Date.now();
    const text = `${this.label} ${this.done} of ${this.total}`;
    if (process.stderr.isTTY) drawOver(process.stderr, CLEAR_LINE, text);
    else process.stderr.write(`${text}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (process.stderr.isTTY) drawOver(process.stderr, CLEAR_LINE, "");
  }
}
