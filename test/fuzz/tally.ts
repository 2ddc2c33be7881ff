import { readFileSync, writeFileSync } from "node:fs";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";

const FILE = new URL("test/fuzz/tally.json", PROJECT_ROOT);

/** What all recorded campaigns did, by target. */
export interface Tally {
  [target: string]: { cases: number; runs: number; seeds: number[]; findings: number };
}

export function readTally(): Tally {
  return JSON.parse(readFileSync(FILE, "utf8")) as Tally;
}

/** Adds a campaign to the tally. */
export function record(target: string, seed: number, cases: number, findings: number): void {
  const tally = readTally();
  const held = tally[target] ?? { cases: 0, runs: 0, seeds: [], findings: 0 };
  tally[target] = {
    cases: held.cases + cases,
    runs: held.runs + 1,
    seeds: [...new Set([...held.seeds, seed])].slice(-20),
    findings: held.findings + findings,
  };
  const sorted = Object.fromEntries(Object.entries(tally).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(FILE, `${JSON.stringify(sorted, null, 2)}\n`);
}
