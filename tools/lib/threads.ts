import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

/**
 * Gives jobs to threads, one for each core. A thread runs `script`, takes each job as a message, and answers
 * when it is done.
 * @param done called with each job that is done
 * @throws what a thread threw; jobs that were not begun are left then
 */
export async function inThreads<Job>(
  script: string,
  jobs: readonly Job[],
  done: (job: Job) => unknown = () => {},
): Promise<void> {
  const left = [...jobs];
  const thread = async () => {
    const worker = new Worker(script);
    try {
      for (let job = left.shift(); job !== undefined; job = left.shift()) {
        worker.postMessage(job);
        await once(worker, "message");
        await done(job);
      }
    } catch (error) {
      left.length = 0;
      throw error;
    } finally {
      await worker.terminate();
    }
  };
  const count = Math.min(jobs.length, availableParallelism());
  await Promise.all(Array.from({ length: count }, thread));
}
