/** One line of a plot: its value at each of its times (seconds). */
export interface Line {
  name: string;
  color: string;
  points: [time: number, value: number][];
  /** The value holds until the next point. */
  steps?: boolean;
  dashed?: boolean;
}

const WIDTH = 860;
const HEIGHT = 360;
const MARGIN = { left: 52, right: 16, top: 34, bottom: 40 };

/** A line plot as SVG. `marks` are vertical lines with a word at their top. */
export function svgPlot(
  title: string,
  unit: string,
  lines: Line[],
  marks: [time: number, text: string][],
): string {
  const end = Math.max(...lines.flatMap(({ points }) => points.map(([time]) => time)));
  const most = Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)));
  const top = Math.ceil(most / 100) * 100;
  const x = (time: number) => (MARGIN.left + (time / end) * (WIDTH - MARGIN.left - MARGIN.right)).toFixed(1);
  const y = (value: number) =>
    (HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom)).toFixed(1);
  const path = ({ points, steps }: Line) =>
    points
      .map(([time, value], i) => {
        const to = `${x(time)} ${y(value)}`;
        return i === 0 ? `M${to}` : steps ? `H${x(time)}V${y(value)}` : `L${to}`;
      })
      .join("");
  const grid = Array.from({ length: top / 100 + 1 }, (_, i) => i * 100).map(
    (value) =>
      `<path d="M${MARGIN.left} ${y(value)}H${WIDTH - MARGIN.right}" stroke="#ddd"/>` +
      `<text x="${MARGIN.left - 6}" y="${y(value)}" text-anchor="end" dominant-baseline="middle">${value}</text>`,
  );
  const seconds = Array.from({ length: Math.floor(end / 5) + 1 }, (_, i) => i * 5).map(
    (time) => `<text x="${x(time)}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle">${time}</text>`,
  );
  const events = marks.map(
    ([time, text]) =>
      `<path d="M${x(time)} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}" stroke="#999" stroke-dasharray="2 3"/>` +
      `<text x="${Number(x(time)) + 3}" y="${MARGIN.top + 8}" font-size="10" fill="#555">${text}</text>`,
  );
  const curves = lines.map(
    (line) =>
      `<path d="${path(line)}" fill="none" stroke="${line.color}" stroke-width="1.6"${line.dashed ? ' stroke-dasharray="5 3"' : ""}/>`,
  );
  const legend = lines.map(({ name, color }, i) => {
    const at = MARGIN.left + i * 140;
    return `<path d="M${at} ${HEIGHT - 10}h18" stroke="${color}" stroke-width="2"/><text x="${at + 24}" y="${HEIGHT - 6}">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="${MARGIN.left}" y="18" font-size="13">${title}</text>`,
    `<text x="${WIDTH - MARGIN.right}" y="${HEIGHT - 6}" text-anchor="end">seconds; ${unit}</text>`,
    ...[grid, seconds, events, curves, legend].map((parts) => parts.join("\n")),
    "</svg>\n",
  ].join("\n");
}
