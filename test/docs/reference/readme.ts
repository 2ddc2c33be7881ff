import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";

/**
 * Tables of a README whose first heading cell is as given, with its links as a page two folders down needs them.
 * @throws Error when there is none, so that no page comes out empty
 */
export function tablesOf(path: string, heading: string): string[] {
  const lines = readFileSync(new URL(path, PROJECT_ROOT), "utf8").split("\n");
  const starts = lines.flatMap((line, i) => (line.startsWith(`| ${heading} |`) ? [i] : []));
  if (starts.length === 0)
    throw new Error(`${path}: has no table that starts with ${JSON.stringify(heading)}`);
  return starts.map((start) => {
    const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
    return lines
      .slice(start, start + length)
      .join("\n")
      .replaceAll(RELATIVE, (_, to) => `](../../${join(dirname(path), to)}`);
  });
}

const RELATIVE = /\]\((?![a-z]+:|#)([^)\s]+)/g;
