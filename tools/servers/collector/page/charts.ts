import uPlot from "uplot";
import type { TimelineEvent } from "./api.ts";
import { alone, apart, type Line, stacked, timeLabels } from "./chart-data.ts";
import { colour, element, make } from "./dom.ts";
import { dayAndClock, seconds } from "./format.ts";

export const AXIS_WIDTH = 80;
export const RIGHT_PADDING = 24;
const HEIGHT = 132;
const SYNC = "timeline";

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
  /** A step was chosen; seconds. */
  onPick: (time: number) => void;
}

/** A pointer that moved no further clicked. Pixels. */
const CLICK = 4;
/** So few steps are drawn as points, too. */
const FEW_STEPS = 40;

/** A chart of the time line: all of them share x axis, cursor and marks of events. */
export class Chart {
  private plot: uPlot | undefined;
  private shape = "";
  /** Where a drag or click began, on this chart and none that moves along; pixels. */
  private pressed: number | undefined;
  private data: ChartData = { from: 0, to: 1, times: [], lines: [], events: [] };
  private readonly body = make("div", { class: "plot" });
  private readonly options: ChartOptions;

  constructor(options: ChartOptions) {
    this.options = options;
    options.card.append(this.body);
    this.body.tabIndex = 0;
    this.body.addEventListener("pointerdown", ({ clientX, button }) => {
      this.pressed = button === 0 ? clientX : undefined;
    });
    this.body.addEventListener("click", ({ clientX }) => {
      if (this.pressed !== undefined && Math.abs(clientX - this.pressed) < CLICK) this.pick();
    });
    this.body.addEventListener("keydown", (event) => this.onKey(event));
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
    this.body.setAttribute("role", "group");
    this.body.setAttribute("aria-roledescription", "chart");
    this.body.setAttribute(
      "aria-label",
      `${summary === "" ? "no data" : `latest: ${summary}`}. Left and Right go from step to step, Enter shows its log lines.`,
    );
  }

  /** Draws it anew, as after a change of colours. */
  build(): void {
    this.plot?.destroy();
    element("header", this.options.card).querySelector(".u-legend")?.remove();
    this.plot = new uPlot(this.plotOptions(), this.stack(), this.body);
  }

  /** Chooses the step at the cursor. */
  private pick(): void {
    const time = this.data.times[this.plot?.cursor.idx ?? -1];
    if (time !== undefined) this.options.onPick(time);
  }

  private onKey(event: KeyboardEvent): void {
    const { plot } = this;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (plot === undefined || (step === undefined && event.key !== "Enter")) return;
    event.preventDefault();
    if (step === undefined) {
      this.pick();
      return;
    }
    const last = this.data.times.length - 1;
    const index = Math.max(0, Math.min(last, (plot.cursor.idx ?? (step > 0 ? -1 : last + 1)) + step));
    const left = plot.valToPos(this.data.times[index] ?? 0, "x");
    plot.setCursor({ left, top: this.height / 3 });
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

  private timeText(ms: number): string {
    const [first = 0, second = first + 60] = this.data.times;
    return second - first < 60 ? seconds(ms) : dayAndClock(ms);
  }

  private text(value: number | null | undefined): string {
    return value === null || value === undefined ? "–" : this.options.format(value);
  }

  private stack(): uPlot.AlignedData {
    const { times, lines } = this.data;
    return [
      times,
      ...(this.options.stacked ? stacked(lines, times.length) : lines.map(({ values }) => values)),
    ];
  }

  private plotOptions(): uPlot.Options {
    const { card, format, bounds, draw, onCursor, onSelect, stacked: inSums } = this.options;
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
        drag: { x: true, y: false, setScale: false, dist: CLICK },
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
        { label: "", value: (_, time) => (time === null ? "" : this.timeText(time * 1000)) },
        ...this.data.lines.map((line, i) => ({
          label: line.label,
          stroke: draw ? "transparent" : colour(line.colour),
          width: 1.6,
          points: {
            show: () => draw === undefined && this.data.times.length <= FEW_STEPS && !apart(line),
            size: 5,
            filter: (chart: uPlot, series: number) => alone(chart.data[series] ?? []),
          },
          ...(line.bound && { dash: [6, 4], auto: false }),
          ...(line.before && { dash: [2, 3] }),
          ...(inSums && !apart(line) && { fill: colour(`${line.colour}-fill`), width: 1.2 }),
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
            const isOwn = this.pressed !== undefined;
            this.pressed = undefined;
            if (width > CLICK && isOwn)
              onSelect(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
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
