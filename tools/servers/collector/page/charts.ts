import uPlot from "uplot";
import type { TimelineEvent } from "./api.ts";
import { colour, element, make } from "./dom.ts";
import { clock, dayAndClock } from "./format.ts";

export const AXIS_WIDTH = 80;
export const RIGHT_PADDING = 24;
const HEIGHT = 132;
const SYNC = "timeline";

export interface Line {
  label: string;
  /** Name of a colour of style.css. */
  colour: string;
  /** One value a step; null where there is none. */
  values: (number | null)[];
  /** A bound: dashed, in no sum, and out of sight where all else is far below it. */
  bound?: boolean;
}

interface ChartData {
  /** Bounds of the time line, seconds. */
  from: number;
  to: number;
  /** Start of each step, seconds. */
  times: number[];
  lines: Line[];
  events: TimelineEvent[];
}

interface ChartOptions {
  card: HTMLElement;
  format: (value: number) => string;
  /** Areas on top of one another in place of lines. */
  stacked?: boolean;
  height?: number;
  /** Logarithmic axis between these bounds. */
  bounds?: () => [number, number];
  draw?: (chart: uPlot) => void;
  onCursor: (x: number | undefined) => void;
  /** A part of the time line was chosen; seconds. */
  onSelect: (from: number, to: number) => void;
}

/** A chart of the time line: all of them share x axis, cursor and marks of events. */
export class Chart {
  private plot: uPlot | undefined;
  private shape = "";
  private data: ChartData = { from: 0, to: 1, times: [], lines: [], events: [] };
  private readonly body = make("div", { class: "plot" });
  private readonly options: ChartOptions;

  constructor(options: ChartOptions) {
    this.options = options;
    options.card.append(this.body);
    new ResizeObserver(() =>
      this.plot?.setSize({ width: this.body.clientWidth, height: this.height }),
    ).observe(this.body);
  }

  set(data: ChartData): void {
    this.data = data;
    const shape = data.lines.map(({ label, colour }) => `${label} ${colour}`).join();
    if (this.plot === undefined || shape !== this.shape) {
      this.shape = shape;
      this.build();
    } else this.plot.setData(this.stack());
    const summary = data.lines
      .map(({ label, values }) => `${label} ${this.text(values.findLast((value) => value !== null))}`)
      .join(", ");
    this.body.setAttribute("role", "img");
    this.body.setAttribute("aria-label", summary === "" ? "no data" : `latest: ${summary}`);
  }

  /** Draws it anew, as after a change of colours. */
  build(): void {
    this.plot?.destroy();
    element("header", this.options.card).querySelector(".u-legend")?.remove();
    this.plot = new uPlot(this.plotOptions(), this.stack(), this.body);
  }

  private get height(): number {
    return this.options.height ?? HEIGHT;
  }

  /** Top of the axis: a bound is shown when it is not far above all else. */
  private top(most: number): number {
    const highest = Number.isFinite(most) && most > 0 ? most : 1;
    const bounds = this.data.lines.filter(({ bound }) => bound).map(({ values }) => values[0] ?? 0);
    return Math.max(highest, ...bounds.filter((bound) => bound < 2 * highest));
  }

  private text(value: number | null | undefined): string {
    return value === null || value === undefined ? "–" : this.options.format(value);
  }

  /** Stacked lines are drawn as sums, the largest first, each over the one before. */
  private stack(): uPlot.AlignedData {
    const { times, lines } = this.data;
    if (!this.options.stacked) return [times, ...lines.map(({ values }) => values)];
    const sums = lines.map((_, i) =>
      times.map((_, step) => sumOf(lines[i]?.bound ? lines.slice(i, i + 1) : lines.slice(i), step)),
    );
    return [times, ...sums];
  }

  private plotOptions(): uPlot.Options {
    const { card, format, bounds, draw, onCursor, onSelect, stacked } = this.options;
    const text = colour("faint");
    const grid = { stroke: colour("line"), width: 1 };
    const font = "11px system-ui, sans-serif";
    return {
      width: this.body.clientWidth || 600,
      height: this.height,
      padding: [8, RIGHT_PADDING, 0, 0],
      cursor: {
        sync: { key: SYNC },
        points: { size: 6, show: draw === undefined },
        drag: { x: true, y: false, setScale: false },
        y: false,
      },
      legend: {
        live: true,
        markers: { width: 0, fill: (_, i) => colour(this.data.lines[i - 1]?.colour ?? "faint") },
        mount: (_, legend) => {
          legend.setAttribute("aria-hidden", "true");
          element("header", card).append(legend);
        },
      },
      scales: {
        x: { time: true, range: () => [this.data.from, this.data.to] },
        y: bounds
          ? { distr: 3, range: () => bounds() }
          : { range: (_, __, max) => [0, this.top(max) * 1.08] },
      },
      axes: [
        {
          stroke: text,
          grid: { show: false },
          ticks: { ...grid, size: 4 },
          font,
          size: 26,
          values: timeLabels,
        },
        {
          stroke: text,
          grid: draw ? { show: false } : grid,
          ticks: { show: false },
          font,
          size: AXIS_WIDTH,
          gap: 6,
          values: (_, splits) => splits.map((value) => (value === null ? "" : format(value))),
        },
      ],
      series: [
        { label: "", value: (_, time) => (time === null ? "" : dayAndClock(time * 1000)) },
        ...this.data.lines.map((line, i) => ({
          label: line.label,
          stroke: draw ? "transparent" : colour(line.colour),
          width: 1.6,
          points: { show: false },
          ...(line.bound && { dash: [6, 4], auto: false }),
          ...(stacked && !line.bound && { fill: colour(`${line.colour}-fill`), width: 1.2 }),
          value: (_: uPlot, __: number, ___: number, step: number | null) =>
            this.text(this.data.lines[i]?.values[step ?? this.data.times.length - 1]),
        })),
      ],
      hooks: {
        drawAxes: draw ? [draw] : [],
        draw: [(chart) => this.drawEvents(chart)],
        setCursor: [({ cursor }) => onCursor((cursor.left ?? -1) >= 0 ? cursor.left : undefined)],
        setSelect: [
          (chart) => {
            const { left, width } = chart.select;
            if (width > 4) onSelect(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
            chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    };
  }

  private drawEvents({ ctx, bbox, valToPos, scales }: uPlot): void {
    const { min, max } = scales.x as uPlot.Scale;
    ctx.save();
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { time, type } of this.data.events) {
      const seconds = Date.parse(time) / 1000;
      if (type === "kubernetes" || seconds < (min ?? 0) || seconds > (max ?? 0)) continue;
      const x = Math.round(valToPos(seconds, "x", true));
      ctx.strokeStyle = colour(type);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }
}

/** Bounds are in no sum but their own. */
function sumOf(lines: Line[], step: number): number {
  const added = lines.filter(({ bound }, i) => !bound || i === 0);
  return added.reduce((sum, { values }) => sum + (values[step] ?? 0), 0);
}

function timeLabels(_: uPlot, splits: number[]): string[] {
  const long = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > 36 * 3600;
  return splits.map((split) =>
    long ? dayAndClock(split * 1000).replace(/,? \d\d:\d\d$/, "") : clock(split * 1000),
  );
}
