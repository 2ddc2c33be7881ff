import { type ChildProcess, fork } from "node:child_process";
import { testOf } from "./mutant.ts";
import { Tree } from "./tree.ts";
import type { Done, Job } from "./worker.ts";

/** Far more than any takes, on a busy machine too. */
const JOB_TIMEOUT_MS = 240_000;
/** As long, and as many times as long as its test takes, is a job given that is not expected to end. */
const ENDLESS_MS = 20_000;
const ENDLESS_TIMES = 2;

/** A process with a tree of its own, which a job that does not end costs both. */
class Worker {
  private readonly tree = new Tree();
  private readonly child: ChildProcess;

  constructor() {
    // A group of its own: the processes of its tests end with it.
    this.child = fork("test/mutants/worker.ts", { cwd: this.tree.folder, detached: true });
  }

  /** @returns what became of it; undefined when it did not end, and the worker with it */
  async run(job: Job, timeoutMs: number): Promise<Done | undefined> {
    const { promise, resolve } = Promise.withResolvers<Done | undefined>();
    const gone = () => resolve(undefined);
    const timer = setTimeout(gone, timeoutMs);
    this.child.once("message", (done) => resolve(done as Done)).once("exit", gone);
    this.child.send(job);
    const done = await promise;
    clearTimeout(timer);
    this.child.removeAllListeners("message").removeListener("exit", gone);
    return done;
  }

  end(): void {
    try {
      process.kill(-(this.child.pid as number), "SIGKILL");
    } catch {
      // It is over already.
    }
    this.tree.remove();
  }
}

/** Some workers, which take jobs from one queue after the other. */
export class Workers {
  private readonly idle: (Worker | undefined)[];
  private readonly all = new Set<Worker>();
  /** Milliseconds that the tests of a file took with nothing changed. */
  private readonly took = new Map<string, number>();

  constructor(count: number) {
    this.idle = Array.from({ length: count });
  }

  /** Runs jobs in this order, as many at a time as there are workers. @param tell told of each as it ends */
  async run(jobs: readonly Job[], tell: (job: Job, done: Done) => void): Promise<void> {
    const queue = [...jobs];
    const work = async (_: unknown, place: number): Promise<void> => {
      for (let job = queue.shift(); job; job = queue.shift()) {
        const worker = this.idle[place] ?? new Worker();
        this.idle[place] = worker;
        this.all.add(worker);
        const timeoutMs = this.timeoutOf(job);
        const before = performance.now();
        const done = await worker.run(job, timeoutMs);
        if (job.kind === "check") this.took.set(job.file, performance.now() - before);
        if (done === undefined) {
          worker.end();
          this.all.delete(worker);
          this.idle[place] = undefined;
        }
        tell(job, done ?? { broken: `it did not end within ${timeoutMs / 1000} s`, endless: true });
      }
    };
    await Promise.all(this.idle.map(work));
  }

  private timeoutOf(job: Job): number {
    if (job.kind === "check" || !job.mutant.endless) return JOB_TIMEOUT_MS;
    const took = this.took.get(testOf(job.mutant).file) ?? 0;
    return Math.min(JOB_TIMEOUT_MS, Math.max(ENDLESS_MS, ENDLESS_TIMES * took));
  }

  end(): void {
    for (const worker of this.all) worker.end();
  }
}
