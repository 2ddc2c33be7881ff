import { setTimeout as sleep } from "node:timers/promises";

/** Does a thing again and again, never twice at once. */
export class Periodic {
  private readonly intervalMs: number;
  private readonly work: () => Promise<void>;
  private readonly onError: (error: unknown) => void;
  private readonly end = new AbortController();
  private running: Promise<void> | undefined;

  /** @param intervalMs between the end of one time and the start of the next */
  constructor(intervalMs: number, work: () => Promise<void>, onError: (error: unknown) => void) {
    this.intervalMs = intervalMs;
    this.work = work;
    this.onError = onError;
  }

  start(): void {
    this.running = this.run();
  }

  /** Resolves when it is not at work any more. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.end;
    while (!signal.aborted) {
      await sleep(this.intervalMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.work().catch(this.onError);
    }
  }
}
