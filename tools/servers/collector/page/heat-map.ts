import type uPlot from "uplot";
import type { HeatMap } from "./api.ts";
import { colour } from "./dom.ts";

/** Smallest duration that the axis shows, ms; requests below it are in the lowest row. */
const FLOOR = 0.5;

/** Draws counts by time and latency; a cell's strength is the square root of its count. */
export class HeatMapPainter {
  private map: HeatMap = { buckets: [], rows: [] };
  private step = 60_000;
  private most = 1;
  private lowest = 0;
  private highest = 0;

  set(map: HeatMap, step: number): void {
    this.map = map;
    this.step = step;
    const used = map.buckets.map((_, i) => Math.max(0, ...map.rows.map(({ counts }) => counts[i] ?? 0)));
    this.most = Math.max(1, ...used);
    this.lowest = Math.max(0, used.findIndex((count) => count > 0) - 1);
    this.highest = Math.max(this.lowest + 1, used.findLastIndex((count) => count > 0) + 1);
  }

  bounds(): [number, number] {
    const { buckets } = this.map;
    const top = buckets[Math.min(this.highest, buckets.length - 1)] ?? 1000;
    return [
      Math.max(FLOOR, this.floorOf(this.lowest)),
      Number.isFinite(top) ? top : this.floorOf(this.highest) * 2,
    ];
  }

  paint(chart: uPlot): void {
    const { ctx, bbox } = chart;
    const [low, high] = this.bounds();
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour("heat");
    for (const { time, counts } of this.map.rows) {
      const start = Date.parse(time);
      const left = Math.round(chart.valToPos(start / 1000, "x", true));
      const right = Math.round(chart.valToPos((start + this.step) / 1000, "x", true));
      for (const [i, count] of counts.entries()) {
        if (count === 0) continue;
        const upper = Math.min(high, this.map.buckets[i] ?? high);
        const lower = Math.max(low, this.floorOf(i));
        const top = Math.round(chart.valToPos(Number.isFinite(upper) ? upper : high, "y", true));
        const bottom = Math.round(chart.valToPos(Math.min(lower, high), "y", true));
        ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(count / this.most);
        ctx.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
      }
    }
    ctx.restore();
  }

  /** The latency with the most requests in each step, for who can't see the picture. */
  modes(times: number[]): (number | null)[] {
    const byTime = new Map(this.map.rows.map(({ time, counts }) => [Date.parse(time) / 1000, counts]));
    return times.map((time) => {
      const counts = byTime.get(time);
      if (counts === undefined) return null;
      const most = Math.max(...counts);
      return most === 0 ? null : (this.map.buckets[counts.indexOf(most)] ?? null);
    });
  }

  private floorOf(bucket: number): number {
    return bucket === 0 ? FLOOR : (this.map.buckets[bucket - 1] ?? FLOOR);
  }
}
