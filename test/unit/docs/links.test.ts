import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { anchors, links, type Page, pages, prose } from "../../support/markdown.ts";

const PAGES = pages();
const BY_PATH = new Map(PAGES.map((page) => [page.path, page]));
const inProject = (path: string) => fileURLToPath(new URL(path, PROJECT_ROOT));

/** What is wrong with the links of a page, a line each. */
function deadLinks({ path, text }: Page): string[] {
  return links(text).flatMap(({ line, target }) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [file = "", anchor] = target.split("#");
    const to = file === "" ? path : normalize(join(dirname(path), file));
    if (to.startsWith("..")) return [`${path}:${line}: ${target} leads out of the project`];
    if (to !== path && !existsSync(inProject(to))) return [`${path}:${line}: there is no ${to}`];
    if (to !== path && statSync(inProject(to)).isDirectory())
      return [`${path}:${line}: ${target} is a folder: link a file in it`];
    if (anchor === undefined) return [];
    const page = to === path ? text : BY_PATH.get(to)?.text;
    return page && anchors(page).has(anchor) ? [] : [`${path}:${line}: ${to} has no heading #${anchor}`];
  });
}

it("every relative link in a Markdown file leads somewhere", () => {
  expect(PAGES.length).toBeGreaterThan(40);
  expect(PAGES.flatMap(deadLinks)).toEqual([]);
});

it("a dead link is found", () => {
  const text =
    "# A b\n[a](no.md) [b](README.md#no) [c](#a-b) [c](#a-c) [d](docs) `[e](no.md)` [f](../x.md) [g](https://a.example)\n";
  expect(deadLinks({ path: "x.md", text })).toEqual([
    "x.md:2: there is no no.md",
    "x.md:2: README.md has no heading #no",
    "x.md:2: x.md has no heading #a-c",
    "x.md:2: docs is a folder: link a file in it",
    "x.md:2: ../x.md leads out of the project",
  ]);
});

it("no page has double braces outside of a block: the site takes them for an expression", () => {
  const withBraces = PAGES.filter(({ text }) => text.replace(/^```[\s\S]*?^```/gm, "").includes("{{"));
  expect(withBraces.map(({ path }) => path)).toEqual([]);
});

const PATH = /`((?:filters|tools|test|manifests|proto|docs)\/[\w./-]+)`/g;

it("every file or folder that a page names is there", () => {
  const missing = PAGES.filter(({ path }) => !path.includes("/template/")).flatMap(({ path, text }) =>
    prose(text)
      .split("\n")
      .flatMap((line, i) =>
        [...line.matchAll(PATH)]
          .map(([, named = ""]) => named)
          .filter((named) => !named.includes("my-stage") && !existsSync(inProject(named)))
          .map((named) => `${path}:${i + 1}: there is no ${named}`),
      ),
  );
  expect(missing).toEqual([]);
});

it("the README is short enough to be read", () => {
  expect(BY_PATH.get("README.md")?.text.split("\n").length).toBeLessThanOrEqual(151);
});

it("every page of docs is reached from its index", () => {
  const start = "docs/index.md";
  const seen = new Set([start]);
  for (const path of seen) {
    const page = BY_PATH.get(path);
    for (const { target } of page ? links(page.text) : []) {
      const to = normalize(join(dirname(path), target.split("#")[0] ?? ""));
      if (to.endsWith(".md")) seen.add(to);
    }
  }
  expect(PAGES.map(({ path }) => path).filter((path) => path.startsWith("docs/") && !seen.has(path))).toEqual(
    [],
  );
});
