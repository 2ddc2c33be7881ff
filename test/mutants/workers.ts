import { type ChildProcess, fork } from "node:child_process";
import { Tree } from "./tree.ts";
import type { Done, Job } from "./worker.ts";

const JOB_TIMEOUT_MS = 240_000;

/** A process with a tree of its own, which a job that does not end costs both. */
class Worker {
  private readonly tree = new Tree();
  private readonly child: ChildProcess;

  constructor() {
    // A group of its own: the processes of its tests end with it.
    this.child = fork("test/mutants/worker.ts", { cwd: this.tree.folder, detached: true });
  }

  /** @returns what became of it; undefined when it did not end, and the worker with it */
  async run(job: Job): Promise<Done | undefined> {
    const { promise, resolve } = Promise.withResolvers<Done | undefined>();
    const gone = () => resolve(undefined);
    const timer = setTimeout(gone, JOB_TIMEOUT_MS);
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
        const done = await worker.run(job);
        if (done === undefined) {
          worker.end();
          this.all.delete(worker);
          this.idle[place] = undefined;
        }
        tell(job, done ?? { broken: `it did not end within ${JOB_TIMEOUT_MS / 1000} s` });
      }
    };
    await Promise.all(this.idle.map(work));
  }

  end(): void {
    for (const worker of this.all) worker.end();
  }
}
