import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as nativeReplies from "../../../tools/cluster/istio/native-replies.ts";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { FILTER_METRICS } from "../../docs/reference/metrics.ts";
import { referencePages } from "../../docs/reference/pages.ts";
import { REASONS } from "../../docs/reference/reasons.ts";

const PAGES = await referencePages();
const root = fileURLToPath(PROJECT_ROOT);
const read = (path: string) => readFileSync(new URL(path, PROJECT_ROOT), "utf8");
const FILTERS = globSync("filters/**/*.ts", { cwd: root, exclude: (name) => name === "template" }).map(
  (path) => ({ path, text: read(path) }),
);

/** All that a pattern's first group finds in the filters, each once. */
function found(pattern: RegExp): string[] {
  const all = FILTERS.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, name = ""]) => name));
  return [...new Set(all)].toSorted();
}

it.each([...PAGES.keys()])("%s is current: else run npm run reference", (path) => {
  expect(read(path)).toBe(PAGES.get(path));
});

/** The statuses of replies that a filter makes itself, by reason: `new LocalReply(404, 5, "path_unknown", ...)`. */
function statuses(): Map<string, number> {
  const names = new Map(
    [...read("filters/sdk/host/http-status.ts").matchAll(/(\w+) = (\d{3})/g)].map(([, name = "", status]) => [
      `HttpStatus.${name}`,
      Number(status),
    ]),
  );
  const replies = /new LocalReply\(\s*([\w.]+),\s*[\w.]+,\s*"([a-z_]+)"/g;
  return new Map(
    FILTERS.flatMap(({ text }) =>
      [...text.matchAll(replies)].map(([, status = "", reason = ""]) => [
        reason,
        names.get(status) ?? Number(status),
      ]),
    ),
  );
}

it("the list of reasons is that of the filters", () => {
  // The word follows the opening bracket, two statuses, or the name of a limit; it has two parts or more.
  const word = '["`]([a-z]+(?:_[a-z]+)+)(?:_\\$\\{[^}]*\\})?["`]';
  const made = [
    `\\bLocalReply\\(\\s*[\\w.()]+,\\s*[\\w.]+,\\s*${word}`,
    `\\bRateLimited\\(\\s*(?:"[\\w-]+"|name),\\s*${word}`,
    `\\b(?:unauthenticated|invalid|badRequest|forbidden|unavailable)\\(\\s*${word}`,
  ].flatMap((pattern) => found(new RegExp(pattern, "g")));
  made.push(...Object.values(nativeReplies).flatMap((each) => ("reason" in each ? [each.reason] : [])));
  const listed = REASONS.flatMap(({ reasons }) => reasons.map(({ reason }) => reason.replace(/_N$/, "")));
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.toSorted()).toEqual([...new Set(made)].toSorted());
});

it("reasons have the statuses that the filters give them", () => {
  const given = statuses();
  expect(given.size).toBeGreaterThan(15);
  for (const { reason, status } of REASONS.flatMap(({ reasons }) => reasons))
    if (given.has(reason)) expect([reason, status]).toEqual([reason, given.get(reason)]);
});

it("words that replies write by hand are reasons of the list", () => {
  const listed = REASONS.flatMap(({ reasons }) => reasons.map(({ reason }) => reason));
  for (const word of found(/"reason":"([a-z_]+)"/g)) expect(listed).toContain(word);
});

it("every field of the plug-in configuration that a filter reads is described", () => {
  const page = PAGES.get("docs/reference/plugin-configuration.md") ?? "";
  const names = found(/\b\w+\.(?:text|texts|number|flag|object|objects|instant|optional\w*)\("(\w+)"/g);
  expect(names.length).toBeGreaterThan(50);
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(page))).toEqual([]);
});

it("every field of a log line is described", () => {
  const [, block = ""] =
    /FIELD_NAMES: string\[\] = \[([^\]]*)\]/.exec(read("filters/access-log/fields.ts")) ?? [];
  const names = [...block.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(25);
  const page = PAGES.get("docs/reference/log-fields.md") ?? "";
  expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
});

it("every metric of the filters is described", () => {
  const names = found(/(?:Counter|Gauge)\(["`](modelgate\.[a-z_.]+)/g);
  const version = found(/NAME: string = "(modelgate\.version\.)/g);
  const described = Object.keys(FILTER_METRICS).map((name) => name.replace(/<.*/, ""));
  expect([...names, ...version].toSorted()).toEqual(described.toSorted());
});
