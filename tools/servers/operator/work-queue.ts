interface WorkQueueOptions {
  /** Brings one key up to date. A rejection is tried again. */
  work: (key: string) => Promise<void>;
  /** Keys that are worked on at a time; never the same one twice. */
  concurrency: number;
  /** A key waits for so long before it is worked on, so that changes in a burst are one. */
  gatherMilliseconds: number;
  /** Wait after the first failure of a key; doubled with each further one. */
  firstRetryMilliseconds: number;
  lastRetryMilliseconds: number;
  onFailure?: (key: string, error: unknown, retryMilliseconds: number) => void;
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
    this.addAfter(key, this.options.gatherMilliseconds);
  }

  /** Forgets all keys, and resolves when what is being worked on has ended. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.ready.clear();
    for (const { timer } of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
    await Promise.all(this.active.values());
  }

  private addAfter(key: string, wait: number): void {
    if (this.stopped || this.ready.has(key)) return;
    const due = performance.now() + wait;
    const pending = this.timers.get(key);
    if (pending && pending.due <= due) return;
    clearTimeout(pending?.timer);
    const timer = setTimeout(() => {
      this.timers.delete(key);
      this.ready.add(key);
      this.next();
    }, wait).unref();
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
    const { work, firstRetryMilliseconds, lastRetryMilliseconds, onFailure } = this.options;
    try {
      await Promise.resolve(key).then(work);
      this.failures.delete(key);
    } catch (error) {
      const failures = this.failures.get(key) ?? 0;
      this.failures.set(key, failures + 1);
      const wait = Math.min(firstRetryMilliseconds * 2 ** failures, lastRetryMilliseconds);
      onFailure?.(key, error, wait);
      this.addAfter(key, wait);
    } finally {
      this.active.delete(key);
      this.next();
    }
  }
}
