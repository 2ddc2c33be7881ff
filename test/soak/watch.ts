import { readdir } from "node:fs/promises";
import { residentBytes } from "../bench/conversion/memory.ts";

/** What a process holds at a moment. */
export interface Sample {
  /** Seconds since the start of the run. */
  at: number;
  /** Resident memory in MiB. */
  memory: number;
  /** Open file descriptors. */
  descriptors: number;
}

/** Reads memory and descriptors of a process (Linux, /proc). */
export async function sample(pid: number, at: number): Promise<Sample> {
  const { now } = await residentBytes(pid);
  return { at, memory: now / 2 ** 20, descriptors: (await readdir(`/proc/${pid}/fd`)).length };
}

/** Slope of the least-squares line through the points, per unit of x. */
export function slope(points: [x: number, y: number][]): number {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map(([each]) => each));
  const y = mean(points.map(([, each]) => each));
  const above = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  const below = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
