import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WorkQueue } from "../../../tools/servers/operator/work-queue.ts";
import { pace } from "../../support/pace.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function queue(work: (key: string) => Promise<void>, concurrency = 2) {
  const retries: number[] = [];
  const made = new WorkQueue({
    ...{
      work,
      concurrency,
      gatherMs: 10,
      firstRetryMs: 100,
      lastRetryMs: 1000,
    },
    onFailure: (_, __, wait) => retries.push(wait),
  });
  return { made, retries };
}

describe("work queue", () => {
  test("a key that waits is not added twice", async () => {
    const work = vi.fn(async () => {});
    const { made } = queue(work);
    for (let i = 0; i < 5; i++) made.add("a");
    made.add("b");
    expect(made.depth).toBe(2);
    await vi.advanceTimersByTimeAsync(20);
    expect(work.mock.calls).toEqual([["a"], ["b"]]);
    expect(made.depth).toBe(0);
  });

  test("a key that is added while it is worked on is worked on again, never twice at once", async () => {
    let atOnce = 0;
    let most = 0;
    const work = vi.fn(async () => {
      most = Math.max(most, ++atOnce);
      await pace(50);
      atOnce--;
    });
    const { made } = queue(work);
    made.add("a");
    await vi.advanceTimersByTimeAsync(30);
    made.add("a");
    made.add("a");
    await vi.advanceTimersByTimeAsync(200);
    expect(work).toHaveBeenCalledTimes(2);
    expect(most).toBe(1);
  });

  test("no more keys at a time than it may", async () => {
    const open: (() => void)[] = [];
    const work = vi.fn(() => new Promise<void>((resolve) => open.push(resolve)));
    const { made } = queue(work, 2);
    for (const key of "abcd") made.add(key);
    await vi.advanceTimersByTimeAsync(20);
    expect(work).toHaveBeenCalledTimes(2);
    open[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(work).toHaveBeenCalledTimes(3);
  });

  test("waits double up to the longest, and begin anew after a success", async () => {
    let fails = true;
    const work = vi.fn(async () => {
      if (fails) throw new Error("no");
    });
    const { made, retries } = queue(work);
    made.add("a");
    await vi.advanceTimersByTimeAsync(3000);
    expect(retries).toEqual([100, 200, 400, 800, 1000, 1000]);
    fails = false;
    await vi.advanceTimersByTimeAsync(1000);
    fails = true;
    made.add("a");
    await vi.advanceTimersByTimeAsync(20);
    expect(retries.at(-1)).toBe(100);
  });

  test("a key that waits for its retry is worked on soon when it is added", async () => {
    const work = vi.fn(async () => {
      throw new Error("no");
    });
    const { made } = queue(work);
    made.add("a");
    await vi.advanceTimersByTimeAsync(20);
    made.add("a");
    await vi.advanceTimersByTimeAsync(20);
    expect(work).toHaveBeenCalledTimes(2);
  });

  test("stops: waits for what is under way, does nothing more", async () => {
    let ended = false;
    const work = vi.fn(async () => {
      await pace(50);
      ended = true;
      throw new Error("no");
    });
    const { made } = queue(work);
    made.add("a");
    await vi.advanceTimersByTimeAsync(20);
    const stopped = made.stop();
    made.add("b");
    await vi.advanceTimersByTimeAsync(5000);
    await stopped;
    expect(ended).toBe(true);
    expect(work).toHaveBeenCalledTimes(1);
  });
});
