const INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 10_000;

/** Counts work on stderr: one line that is rewritten on a terminal, a line now and then elsewhere. */
export class Progress {
  private done = 0;
  private shown = Date.now();
  private readonly label: string;
  private readonly total: number;

  constructor(label: string, total: number) {
    this.label = label;
    this.total = total;
  }

  step(): void {
    this.done++;
    const interval = process.stderr.isTTY ? INTERVAL_MS : PLAIN_INTERVAL_MS;
    if (Date.now() - this.shown < interval) return;
    this.shown = Date.now();
    const text = `${this.label} ${this.done} of ${this.total}`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Takes the line away. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
