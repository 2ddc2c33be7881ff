import type { Traffic } from "./api.ts";
import { make } from "./dom.ts";
import { bytes, count, duration, percent } from "./format.ts";
import { shareOf } from "./outcomes.ts";

interface Tile {
  label: string;
  value: (row: Traffic) => number | null;
  format: (value: number | null) => string;
  /** Colour of its line. */
  colour: string;
  /** From which value on it is marked. */
  alarm?: number;
}

const TILES: Tile[] = [
  { label: "Requests / s", value: ({ qps }) => qps, format: count, colour: "served" },
  {
    label: "Server errors",
    value: (row) => shareOf(row, "errors"),
    format: percent,
    colour: "error",
    alarm: 0.01,
  },
  {
    label: "Callers’ errors",
    value: (row) => shareOf(row, "client_errors"),
    format: percent,
    colour: "client",
  },
  {
    label: "Refused",
    value: (row) => shareOf(row, "refused"),
    format: percent,
    colour: "refused",
  },
  { label: "p50", value: ({ p50 }) => p50, format: duration, colour: "p50" },
  { label: "p99", value: ({ p99 }) => p99, format: duration, colour: "p99" },
  { label: "In flight", value: ({ in_flight }) => in_flight, format: count, colour: "flight" },
  {
    label: "Received",
    value: ({ bytes_received }) => bytes_received,
    format: (value) => bytes(value ?? 0),
    colour: "served",
  },
  {
    label: "Sent",
    value: ({ bytes_sent }) => bytes_sent,
    format: (value) => bytes(value ?? 0),
    colour: "served",
  },
];

/** The summary of a range: its totals, each with its course. */
export function showTiles(
  place: HTMLElement,
  total: Traffic | undefined,
  series: (Traffic | undefined)[],
  before?: Traffic | undefined,
): void {
  place.replaceChildren(
    ...TILES.map(({ label, value, format, colour, alarm }) => {
      const now = total === undefined ? null : value(total);
      const alarmed = alarm !== undefined && (now ?? 0) >= alarm;
      const tile = make(
        "div",
        { class: alarmed ? "tile alarmed" : "tile" },
        make("span", { class: "label" }, label),
        make("strong", {}, format(now)),
        ...(before === undefined
          ? []
          : [make("span", { class: "before" }, `before ${format(value(before))}`)]),
      );
      tile.append(
        sparkline(
          series.map((row) => (row === undefined ? null : value(row))),
          colour,
        ),
      );
      return tile;
    }),
  );
}

function sparkline(values: (number | null)[], colour: string): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const most = Math.max(...values.map((value) => value ?? 0));
  if (most > 0) {
    const points = values.map(
      (value, i) => `${(i / (values.length - 1 || 1)) * 100},${23 - ((value ?? 0) / most) * 21}`,
    );
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    line.setAttribute("points", points.join(" "));
    line.setAttribute("class", `stroke-${colour}`);
    svg.append(line);
  }
  return svg;
}
