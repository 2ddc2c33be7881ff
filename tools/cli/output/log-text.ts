import { outcomeOf } from "../../lib/access-log/outcome.ts";
import { capped, escapeValue } from "../../lib/terminal/escape.ts";
import type { LogLine } from "../../servers/collector/query/logs.ts";
import { callText } from "./model-text.ts";

interface Column {
  /** Most characters; more end in an ellipsis. */
  most: number;
  /** Least characters, so that lines which come one by one stand below one another. */
  least?: number;
  right?: true;
  /** Only where the terminal has room for it behind the others. */
  optional?: true;
  value: (line: LogLine) => string;
}

const COLUMNS: Column[] = [
  { most: 24, value: (line) => text(line, "start_time") },
  { most: 3, least: 3, right: true, value: (line) => text(line, "response_code") },
  { most: 12, least: 12, value: (line) => outcomeOf(line) },
  { most: 10, least: 7, right: true, value: (line) => `${text(line, "duration")}ms` },
  { most: 40, least: 12, value: calledOf },
  { most: 8, least: 4, value: (line) => text(line, "method") },
  { most: 60, least: 24, value: (line) => text(line, "path") },
  { most: 40, least: 8, value: whyOf },
  // Of language models alone: no room for it where there is none.
  { most: 90, value: callText },
  { most: 40, least: 12, optional: true, value: (line) => text(line, "credential") },
  { most: 40, least: 36, optional: true, value: (line) => text(line, "request_id") },
];
const GAP = "  ";

/** Lines of the log for people, one below the other. Times are UTC, as their Z says. */
export class LogText {
  private readonly widths = COLUMNS.map(({ least = 0 }) => least);
  private readonly room: number;

  /** @param room how wide the terminal is; undefined where there is none */
  constructor(room: number | undefined) {
    this.room = room ?? Number.POSITIVE_INFINITY;
  }

  /** Makes room for lines that come together, so that they stand in one set of columns. */
  measure(lines: LogLine[]): void {
    for (const line of lines) this.cells(line);
  }

  /** A line; it widens the columns for those behind it where it has to. */
  line(line: LogLine): string {
    const cells = this.cells(line);
    let used = 0;
    const shown = cells.flatMap((cell, i) => {
      const { right, optional } = COLUMNS[i] as Column;
      const width = this.widths[i] as number;
      if (width === 0) return [];
      used += width + GAP.length;
      if (optional && used - GAP.length > this.room) return [];
      return [right ? cell.padStart(width) : cell.padEnd(width)];
    });
    return shown.join(GAP).trimEnd();
  }

  private cells(line: LogLine): string[] {
    const cells = COLUMNS.map(({ most, value }) => capped(escapeValue(value(line)), most));
    for (const [i, cell] of cells.entries()) this.widths[i] = Math.max(this.widths[i] as number, cell.length);
    return cells;
  }
}

function text(line: LogLine, name: string): string {
  return String(line[name] ?? "-");
}

function calledOf(line: LogLine): string {
  return `${text(line, "tenant")}/${text(line, "taskid")}${line.version === undefined ? "" : `@${line.version}`}`;
}

/** Why it ended as it did. */
function whyOf({ reason, would_refuse, response_flags }: LogLine): string {
  return String(reason ?? would_refuse ?? response_flags ?? "-");
}
