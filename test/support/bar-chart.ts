import { escaped, round, text } from "../../tools/lib/plot/svg.ts";

export interface Bar {
  name: string;
  value: number;
  /** Drawn as a line from one to the other. */
  range?: [number, number];
  /** Stands behind the bar. Default: the value. */
  label?: string;
  /** CSS colour. */
  color: string;
}

/** Bars with a scale of their own: from 0 to the longest of them. */
interface BarPanel {
  title: string;
  bars: Bar[];
}

interface BarChart {
  title: string;
  /** What the lengths and lines mean. */
  subtitle: string;
  panels: BarPanel[];
}

const WIDTH = 900;
const LEFT = 290;
/** Room for labels. */
const RIGHT = 190;
const HEAD = 56;
const PANEL_HEAD = 34;
const ROW = 20;
const BAR = 13;

/**
 * Draws horizontal bars, one panel below the other, as an SVG image, dark on white, without scripts or fonts of its own. A value below 0 has
 * no bar, only its label.
 */
export function barChartSvg({ title, subtitle, panels }: BarChart): string {
  const parts: string[] = [];
  let top = HEAD;
  for (const panel of panels) {
    parts.push(text(20, top + 20, panel.title, 'font-weight="bold"'));
    top += PANEL_HEAD;
    const longest = Math.max(...panel.bars.flatMap(({ value, range = [0, 0] }) => [value, ...range]), 1e-9);
    const px = (value: number) => round(LEFT + (Math.max(0, value) / longest) * (WIDTH - LEFT - RIGHT));
    for (const bar of panel.bars) {
      parts.push(...barParts(bar, top, px));
      top += ROW;
    }
  }
  const height = top + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(20, 24, title, 'font-size="15" font-weight="bold"'),
    text(20, 44, subtitle, 'fill="#666"'),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function barParts({ name, value, range, label, color }: Bar, top: number, px: (value: number) => number) {
  const middle = top + BAR / 2;
  const end = Math.max(px(value), px(range?.[1] ?? 0));
  return [
    text(LEFT - 8, top + 11, name, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${top}" width="${round(px(value) - LEFT)}" height="${BAR}" fill="${escaped(color)}"/>`,
    ...(range
      ? [
          `<path d="M${px(range[0])} ${middle}H${px(range[1])}M${px(range[1])} ${top + 3}V${top + BAR - 3}" stroke="#333" fill="none"/>`,
        ]
      : []),
    text(end + 6, top + 11, label ?? String(Number(value.toPrecision(3)))),
  ];
}
