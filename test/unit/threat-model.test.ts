import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

const threats = readFileSync("docs/operate/threat-model.md", "utf8")
  .split("\n")
  .filter((line) => /^\| .* \| .* \| .* \|$/.test(line) && !/^\| (threat|---)/.test(line));

it("names a test for each threat, and each is there", () => {
  expect(threats.length).toBeGreaterThan(25);
  const missing = threats.filter((threat) => {
    const [, file, name] = / (test\/[\w/-]+\.test\.ts)(?:: (.+))? \|$/.exec(threat) ?? [];
    if (file === undefined) return true;
    return !readFileSync(file, "utf8").includes(name === undefined ? "" : `"${name}"`);
  });
  expect(missing).toEqual([]);
});
