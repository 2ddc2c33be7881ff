/** What a release changes in the repository's files. */

/** @throws Error unless it is a version as of Semantic Versioning 2.0.0, without build metadata */
export function requireVersion(text: string): string {
  const identifier = "(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)";
  const number = "(?:0|[1-9]\\d*)";
  const version = new RegExp(`^${number}\\.${number}\\.${number}(?:-${identifier}(?:\\.${identifier})*)?$`);
  if (!version.test(text)) throw new Error(`${text}: is no version: write it as 0.2.0 or 0.2.0-rc.1`);
  return text;
}

const UNRELEASED = "## Unreleased\n";

/**
 * Turns the section Unreleased of CHANGELOG.md into that of a version, below a new, empty one.
 * @param date of the release, YYYY-MM-DD
 * @returns the new text, and the section's for the release notes
 * @throws Error when nothing is unreleased, or the version is there
 */
export function releaseChangelog(
  changelog: string,
  version: string,
  date: string,
): { changelog: string; notes: string } {
  const [before, rest] = changelog.split(UNRELEASED);
  if (before === undefined || rest === undefined)
    throw new Error(`CHANGELOG.md: has no line "${UNRELEASED.trim()}"`);
  if (rest.includes(`\n## ${version} `)) throw new Error(`CHANGELOG.md: has a section ${version} already`);
  const end = rest.indexOf("\n## ");
  const notes = (end < 0 ? rest : rest.slice(0, end)).trim();
  if (notes === "") throw new Error("CHANGELOG.md: nothing is unreleased");
  const older = end < 0 ? "" : rest.slice(end);
  return {
    changelog: `${before}${UNRELEASED}\n## ${version} - ${date}\n\n${notes}\n${older}`,
    notes: `${notes}\n`,
  };
}

/**
 * A file with the version in it.
 * @param path package.json, package-lock.json or manifests/chart/Chart.yaml
 * @throws Error when it has none where one is expected
 */
export function withVersion(path: string, text: string, version: string): string {
  if (path.endsWith(".yaml")) {
    const changed = text.replace(/^(version|appVersion): .*$/gm, `$1: ${version}`);
    if (changed.split(`: ${version}\n`).length !== 3)
      throw new Error(`${path}: needs version and appVersion`);
    return changed;
  }
  const content = JSON.parse(text);
  if (typeof content.version !== "string") throw new Error(`${path}: has no version`);
  content.version = version;
  if (content.packages?.[""]) content.packages[""].version = version;
  return `${JSON.stringify(content, null, 2)}\n`;
}
