import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { releaseChangelog, requireVersion, withVersion } from "../../../tools/release/version.ts";

const read = (path: string) => readFileSync(new URL(path, PROJECT_ROOT), "utf8");

it.each(["0.1.0", "10.20.30", "1.0.0-rc.1", "1.0.0-0a"])("%s is a version", (text) => {
  expect(requireVersion(text)).toBe(text);
});

it.each(["", "v1.0.0", "1.0", "1.0.0+build", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0\n"])(
  "%j is none",
  (text) => {
    expect(() => requireVersion(text)).toThrow("is no version: write it as 0.2.0 or 0.2.0-rc.1");
  },
);

it("what is unreleased becomes the version's section and its notes", () => {
  const before = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A.\n\n## 0.1.0 - 2026-01-02\n\n- Old.\n";
  expect(releaseChangelog(before, "0.2.0", "2026-12-01")).toEqual({
    changelog:
      "# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-12-01\n\n### Added\n\n- A.\n\n## 0.1.0 - 2026-01-02\n\n- Old.\n",
    notes: "### Added\n\n- A.\n",
  });
});

it("the first release too, of the changelog as it is", () => {
  const { changelog, notes } = releaseChangelog(read("CHANGELOG.md"), "99.0.0", "2026-12-01");
  expect(changelog).toContain("\n## Unreleased\n\n## 99.0.0 - 2026-12-01\n\n");
  expect(notes).toMatch(/^### /);
});

it.each([
  ["# Changelog\n", 'has no line "## Unreleased"'],
  ["## Unreleased\n\n## 0.1.0 - 2026-01-02\n\n- Old.\n", "nothing is unreleased"],
  ["## Unreleased\n\n- A.\n\n## 0.2.0 - 2026-01-02\n", "has a section 0.2.0 already"],
])("refuses a changelog %j", (text, why) => {
  expect(() => releaseChangelog(text, "0.2.0", "2026-12-01")).toThrow(`CHANGELOG.md: ${why}`);
});

it.each(["package.json", "package-lock.json", "manifests/chart/Chart.yaml"])(
  "%s gets nothing but the version",
  (path) => {
    const changed = withVersion(path, read(path), "99.0.0");
    const { version } = JSON.parse(read("package.json"));
    const lines = read(path).split("\n");
    const different = changed.split("\n").flatMap((line, i) => (line === lines[i] ? [] : [[lines[i], line]]));
    expect(different).toHaveLength(path === "package.json" ? 1 : 2);
    for (const [before, after] of different) expect(after).toBe(before?.replace(version, "99.0.0"));
  },
);

it("refuses a file without a version", () => {
  expect(() => withVersion("package.json", "{}", "1.0.0")).toThrow("package.json: has no version");
  expect(() => withVersion("Chart.yaml", "name: a\n", "1.0.0")).toThrow(
    "Chart.yaml: needs version and appVersion",
  );
});
