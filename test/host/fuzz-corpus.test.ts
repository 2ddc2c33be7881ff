import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { coverage, type Share } from "../fuzz/coverage.ts";
import { withoutOptimizer } from "../fuzz/instrument.ts";
import type { Counted } from "../fuzz/module.ts";
import { replay } from "../fuzz/replay.ts";
import { TARGETS } from "../fuzz/targets/index.ts";

/** All inputs that fuzzing kept, with all that must hold of each; and that they still reach what they reached. */

const FILE = new URL("test/fuzz/coverage.json", PROJECT_ROOT);
/** Files of filters: percent of their branches, at least. `MODELGATE_FUZZ_RECORD=1` writes what is reached now. */
const recorded = JSON.parse(readFileSync(FILE, "utf8")) as Record<string, number>;
const modules: Counted[] = [];
withoutOptimizer();

it.each(TARGETS)("$name: nothing that was kept fails", async (target) => {
  const { modules: own, findings } = await replay(target);
  modules.push(...own);
  expect(findings.map(({ what }) => what)).toEqual([]);
});

it("the branches that the corpus reaches are no fewer than recorded", () => {
  const floor = ({ reached, all }: Share) => Math.floor((100 * reached) / all);
  const now = Object.fromEntries(coverage(modules, "file").map((share) => [share.name, floor(share)]));
  if (process.env.MODELGATE_FUZZ_RECORD) writeFileSync(FILE, `${JSON.stringify(now, null, 2)}\n`);
  else
    for (const [file, least] of Object.entries(recorded))
      expect([file, (now[file] ?? 0) >= least]).toEqual([file, true]);
});
