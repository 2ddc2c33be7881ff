import { escaped, round, text } from "./svg.ts";

/** A line of a plot. */
interface Series {
  name: string;
  /** CSS colour. */
  color: string;
  /** x and y, by rising x. */
  points: [number, number][];
  /** Drawn as steps: a value holds until the next one, as a limit does. */
  steps?: boolean;
}

export interface TimeSeriesPlot {
  title: string;
  /** Unit of the x axis, e.g. "seconds". */
  x: string;
  /** Unit of the y axis, e.g. "requests a second". */
  y: string;
  series: Series[];
  /** Moments to point out. */
  events?: { at: number; label: string }[];
  /** Pixels. Default: 860. */
  width?: number;
  /** Highest value of the y axis; values above are drawn at the top. Default: the highest there is. */
  top?: number;
}

const WIDTH = 860;
const HEIGHT = 380;
const LEFT = 64;
const RIGHT = 20;
const TOP = 80;
const BOTTOM = 48;
const TICKS = 8;

/**
 * Draws lines over time as an SVG image, 380 pixels high, dark on white, without scripts or fonts of its own.
 */
export function timeSeriesSvg(plot: TimeSeriesPlot): string {
  const { title, x, y, series, events = [], width = WIDTH } = plot;
  const points = series.flatMap((each) => each.points);
  const last = Math.max(...points.map(([at]) => at), ...events.map(({ at }) => at), 1e-9);
  const first = Math.min(...points.map(([at]) => at), last);
  const highest = plot.top ?? Math.max(...points.map(([, value]) => value), 1e-9);
  const step = niceStep(highest / TICKS);
  const top = step * Math.ceil(Math.max(highest, step) / step);
  const timeStep = niceStep((last - first) / TICKS || 1);
  const px = (at: number) => round(LEFT + ((at - first) / (last - first || 1)) * (width - LEFT - RIGHT));
  const py = (value: number) =>
    round(HEIGHT - BOTTOM - (Math.min(value, top) / top) * (HEIGHT - TOP - BOTTOM));
  const bottom = py(0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" width="${width}" height="${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(LEFT, 20, title, 'font-size="15" font-weight="bold"'),
    ...range(0, top, step).map(
      (value) =>
        `<path d="M${LEFT} ${py(value)}H${width - RIGHT}" stroke="#ddd"/>${text(LEFT - 6, py(value) + 4, number(value), 'text-anchor="end"')}`,
    ),
    ...range(Math.ceil(first / timeStep) * timeStep, last, timeStep).map((at) =>
      text(px(at), bottom + 18, number(at), 'text-anchor="middle"'),
    ),
    text((LEFT + width) / 2, HEIGHT - 8, x, 'text-anchor="middle"'),
    text(0, 0, y, `text-anchor="middle" transform="translate(14 ${(TOP + bottom) / 2}) rotate(-90)"`),
    ...events.map(
      ({ at, label }, index) =>
        `<path d="M${px(at)} ${TOP}V${bottom}" stroke="#999" stroke-dasharray="3 3"/>${text(px(at) + 4, TOP - 6 - (index % 2) * 12, label, 'font-size="11" fill="#666"')}`,
    ),
    ...series.map(
      ({ points, color, steps }) =>
        `<path d="${line(points, px, py, steps ?? false)}" fill="none" stroke="${escaped(color)}" stroke-width="2"/>`,
    ),
    ...series.map(
      ({ name, color }, index) =>
        `<rect x="${LEFT + index * 150}" y="32" width="14" height="4" fill="${escaped(color)}"/>${text(LEFT + 20 + index * 150, 39, name)}`,
    ),
    "</svg>\n",
  ].join("\n");
}

function line(
  points: [number, number][],
  px: (at: number) => number,
  py: (value: number) => number,
  steps: boolean,
): string {
  return points
    .map(([at, value], index) => {
      if (index === 0) return `M${px(at)} ${py(value)}`;
      return steps ? `H${px(at)}V${py(value)}` : `L${px(at)} ${py(value)}`;
    })
    .join("");
}

/** The next of 1, 2, 5, 10, 20, ... */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5, 10].find((factor) => factor * power >= least) ?? 10) * power;
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step + 1e-9) + 1 }, (_, index) => from + index * step);
}

function number(value: number): string {
  return String(Number(value.toPrecision(6)));
}
