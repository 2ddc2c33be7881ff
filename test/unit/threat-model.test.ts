import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { mutated, testOf } from "../mutants/mutant.ts";
import { MUTANTS } from "../mutants/table/index.ts";

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

it("breaks each threat's defences by mutants, whose places and tests are there", () => {
  const rows = threats.map((line) => line.slice(2).split(" | ")[0]);
  const broken = new Set(MUTANTS.map(({ threat }) => threat));
  expect(rows.filter((row) => !broken.has(row as string))).toEqual([]);
  expect([...broken].filter((threat) => !rows.includes(threat))).toEqual([]);
  expect(MUTANTS.length).toBeGreaterThan(200);
  for (const mutant of MUTANTS) {
    const source = readFileSync(mutant.file, "utf8");
    expect(mutated(source, mutant)).not.toBe(source);
    expect(readFileSync(testOf(mutant).file, "utf8").length).toBeGreaterThan(0);
  }
});
