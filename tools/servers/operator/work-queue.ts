interface WorkQueueOptions {
  /** Brings one key up to date. A rejection is tried again. */
  work: (key: string) => Promise<void>;
  /** Keys that are worked on at a time; never the same one twice. */
  concurrency: number;
  /** A key waits for so long before it is worked on, so that changes in a burst are one. */
  gatherMs: number;
  /** Wait after the first failure of a key; doubled with each further one. */
  firstRetryMs: number;
  lastRetryMs: number;
  onFailure?: (key: string, error: unknown, retryMs: number) => void;
}

/**
 * A work queue by the rules of client-go's workqueue: a key that waits already is not added again; one that
 * is being worked on is worked on again afterwards; one that failed comes back after a wait that doubles, and
 * soon when it is added anew.
 */
export class WorkQueue {
  private readonly options: WorkQueueOptions;
  private readonly timers = new Map<string, { timer: NodeJS.Timeout; due: number }>();
  private readonly ready = new Set<string>();
  private readonly active = new Map<string, Promise<void>>();
  private readonly failures = new Map<string, number>();
  private stopped = false;

  constructor(options: WorkQueueOptions) {
    this.options = options;
  }

  /** Keys that are to be worked on, now or later. */
  get depth(): number {
    return this.ready.size + this.timers.size;
  }

  add(key: string): void {
    this.addAfter(key, this.options.gatherMs);
  }

  /** Forgets all keys, and resolves when what is being worked on has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.ready.clear();
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    await Promise.all(this.active.values());
  }

  private addAfter(key: string, waitMs: number): void {
    if (this.stopped || this.ready.has(key)) return;
    const due = performance.now() + waitMs;
    const pending = this.timers.get(key);
    if (pending && pending.due <= due) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => {
      this.timers.delete(key);
      this.ready.add(key);
      this.next();
    }, waitMs).unref();
    this.timers.set(key, { timer, due });
  }

  private next(): void {
    for (const key of this.ready) {
      if (this.active.size >= this.options.concurrency) return;
      if (this.active.has(key)) continue;
      this.ready.delete(key);
      this.active.set(key, this.run(key));
    }
  }

  private async run(key: string): Promise<void> {
    const { work, firstRetryMs, lastRetryMs, onFailure } = this.options;
    try {
      await Promise.resolve(key).then(work);
      this.failures.delete(key);
    } catch (error) {
      const failures = this.failures.get(key) ?? 0;
      this.failures.set(key, failures + 1);
      const waitMs = Math.min(firstRetryMs * 2 ** failures, lastRetryMs);
      onFailure?.(key, error, waitMs);
      this.addAfter(key, waitMs);
    } finally {
      this.active.delete(key);
      this.next();
    }
  }
}
