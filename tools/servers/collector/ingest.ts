import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import { CHUNK_BYTES, Chunk } from "./input/chunk.ts";
import type { Input } from "./input/input.ts";
import type { Batch, Committed } from "./store/batch.ts";
import type { Committer } from "./store/commit.ts";

const RETRY_MS = 1_000;

interface IngestOptions {
  folder: string;
  inputs: Input[];
  committer: Committer;
  /** Least time between the starts of two commits of little, in milliseconds: what a line may wait. */
  intervalMs: number;
  /** @param kinds lines by where they come from */
  onCommitted: (
    committed: Committed,
    milliseconds: number,
    kinds: Map<Input["kind"], number>,
  ) => Promise<void>;
  /** Called between batches. */
  onPause: () => Promise<void>;
  log: Logger;
}

/** Takes lines from the inputs to the store until it is stopped. */
export class Ingest {
  private readonly options: IngestOptions;
  private isStopping = false;
  private readonly wake = new AbortController();
  private running: Promise<void> | undefined;
  /** Why the last commit failed, until one succeeds, and since when none does. */
  fault: { message: string; since: number } | undefined;
  /** Whether the inputs have more than fits into a batch. */
  isBehind = false;

  constructor(options: IngestOptions) {
    this.options = options;
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends after the batch under way. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.wake.abort();
    await this.running;
    for (const input of this.options.inputs) await input.close();
  }

  private async run(): Promise<void> {
    while (!this.isStopping) {
      const started = Date.now();
      const size = await this.cycle().catch((error: Error) => {
        this.options.log.error({ err: error }, "lines can't be taken in");
        return 0;
      });
      this.isBehind = size >= CHUNK_BYTES / 2;
      if (!this.isBehind) await this.rest(started + this.options.intervalMs - Date.now());
    }
  }

  /** @returns bytes of lines that were committed */
  private async cycle(): Promise<number> {
    const { folder, inputs, committer, onCommitted, onPause } = this.options;
    const chunk = await Chunk.create(join(folder, "batch.ndjson"));
    const batch: Batch = { path: chunk.path, offsets: [], ended: [], tooLong: 0 };
    const kinds = new Map<Input["kind"], number>();
    try {
      for (const input of inputs) {
        const before = chunk.lines;
        const { offsets, ended, tooLong } = await input.take(chunk);
        batch.offsets.push(...offsets);
        batch.ended.push(...ended);
        batch.tooLong += tooLong;
        kinds.set(input.kind, chunk.lines - before + tooLong);
      }
    } catch (error) {
      for (const input of inputs) await input.rewind();
      throw error;
    } finally {
      await chunk.close();
    }
    const isEmpty = batch.offsets.length + batch.ended.length + batch.tooLong === 0;
    const done = isEmpty ? undefined : await this.commit(batch);
    if (done !== undefined) {
      for (const input of inputs) await input.committed();
      await committer.settle();
      await onCommitted(done.committed, done.milliseconds, kinds);
    }
    await onPause();
    return chunk.bytes;
  }

  /** Commits the batch, and tries until it succeeds: what can fail, such as a full disk, may pass. */
  private async commit(batch: Batch): Promise<{ committed: Committed; milliseconds: number } | undefined> {
    const { committer, log } = this.options;
    for (;;) {
      try {
        const started = performance.now();
        const committed = await committer.commit(batch);
        this.fault = undefined;
        return { committed, milliseconds: performance.now() - started };
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        this.fault = { message, since: this.fault?.since ?? Date.now() };
        log.error({ err: error }, "the store takes no lines");
        if (this.isStopping) return undefined;
        await this.rest(RETRY_MS);
      }
    }
  }

  private async rest(milliseconds: number): Promise<void> {
    if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: this.wake.signal }).catch(() => {});
  }
}
