import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

/** A Markdown file of the project. */
export interface Page {
  /** From the project's folder. */
  path: string;
  text: string;
}

export interface Fence {
  /** The first line of the fence. */
  line: number;
  /** What stands behind the opening marks: language and words. */
  info: string;
  body: string;
}

export interface Link {
  line: number;
  target: string;
}

/** All Markdown files that are in the repository, or will be: not what is ignored. */
export function pages(): Page[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z", "*.md"];
  const listed = execFileSync("git", args, { cwd: fileURLToPath(PROJECT_ROOT), encoding: "utf8" });
  return listed
    .split("\0")
    .filter((path) => path !== "")
    .toSorted()
    .flatMap((path) => {
      const text = textOf(path);
      return text === undefined ? [] : [{ path, text }];
    });
}

/** None of what is deleted and still in the index. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(new URL(path, PROJECT_ROOT), "utf8");
  } catch {
    return undefined;
  }
}

/** Fenced blocks of code, also indented ones in lists. */
export function fences(text: string): Fence[] {
  const found: Fence[] = [];
  let open: (Fence & { indent: string }) | undefined;
  for (const [i, line] of text.split("\n").entries()) {
    const [, indent = "", info = ""] = /^( *)```(.*)$/.exec(line) ?? [];
    if (!line.trimStart().startsWith("```")) {
      if (open) open.body += `${line.startsWith(open.indent) ? line.slice(open.indent.length) : line}\n`;
    } else if (open) {
      found.push({ line: open.line, info: open.info, body: open.body });
      open = undefined;
    } else open = { line: i + 1, info: info.trim(), body: "", indent };
  }
  return found;
}

/** Text without fenced blocks; lines keep their numbers. */
export function prose(text: string): string {
  let inside = false;
  return text
    .split("\n")
    .map((line) => {
      const isMark = line.trimStart().startsWith("```");
      if (isMark) inside = !inside;
      return isMark || inside ? "" : line;
    })
    .join("\n");
}

/** Links and pictures. */
export function links(text: string): Link[] {
  return prose(text)
    .split("\n")
    .flatMap((line, i) =>
      [...line.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({
        line: i + 1,
        target,
      })),
    );
}

/** The anchors that headings get, as GitHub makes them. */
export function anchors(text: string): Set<string> {
  const headings = prose(text).matchAll(/^#{1,6} (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}
