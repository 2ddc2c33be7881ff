/** Points of a plot in a terminal, drawn with one character. */
interface Mark {
  character: string;
  points: [number, number][];
}

const LABEL_WIDTH = 9;

/**
 * Draws points as text.
 * @param lines y values to draw as horizontal lines of `-`
 * @returns lines of `width` + 10 characters at most
 */
export function terminalPlot(
  marks: Mark[],
  {
    width = 64,
    height = 14,
    x,
    y,
    lines = [] as number[],
  }: { width?: number; height?: number; x: string; y: string; lines?: number[] },
): string {
  const points = marks.flatMap((mark) => mark.points);
  const right = Math.max(...points.map(([at]) => at), 1e-9);
  const top = Math.max(...points.map(([, value]) => value), ...lines, 1e-9) * 1.05;
  const rows = Array.from({ length: height }, () => new Array<string>(width).fill(" "));
  const rowOf = (value: number) => height - 1 - Math.min(height - 1, Math.floor((value / top) * height));
  for (const value of lines) rows[rowOf(value)]?.fill("-");
  for (const { character, points: own } of marks)
    for (const [at, value] of own) {
      const column = Math.min(width - 1, Math.floor((at / right) * width));
      const row = rows[rowOf(value)];
      if (row) row[column] = character;
    }
  const label = (row: number) =>
    (row % 4 === 0 ? number((top * (height - row)) / height) : "").padStart(LABEL_WIDTH);
  return [
    `${" ".repeat(LABEL_WIDTH)} ${y}`,
    ...rows.map((row, index) => `${label(index)} |${row.join("")}`.trimEnd()),
    `${"0".padStart(LABEL_WIDTH)} +${"-".repeat(width)}`,
    `${" ".repeat(LABEL_WIDTH)} 0${`${number(right)} ${x}`.padStart(width)}`,
    "",
  ].join("\n");
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
