import { describeFault, type Finding } from "./campaign.ts";
import { loadCorpus } from "./corpus.ts";
import type { Counted } from "./module.ts";
import type { Target } from "./target.ts";

/** Batches have no inputs worth keeping: some seeds stand for them. */
const SEEDS = [1, 2].map((seed) => Buffer.from(Uint32Array.of(seed, 0).buffer));

/** Runs all that is kept of a target, in order, in one VM. @returns its modules, with what was reached, and what failed */
export async function replay(target: Target): Promise<{ modules: Counted[]; findings: Finding[] }> {
  let harness = await target.open();
  const { modules } = harness;
  const findings: Finding[] = [];
  for (const input of harness.batch ? SEEDS : loadCorpus(target.name)) {
    try {
      harness.run(input);
    } catch (error) {
      findings.push({ what: describeFault(error, harness), input });
      harness = await target.open();
    }
    for (const module of harness.modules) module.end();
  }
  return { modules, findings };
}

/** The inputs of a list, in order, that reach a branch which none before them did. */
export async function minimised(target: Target, inputs: readonly Buffer[]): Promise<Buffer[]> {
  const harness = await target.open();
  const reached = () => harness.modules.reduce((sum, module) => sum + module.end(), 0);
  // Small ones first, so that large ones are kept for what only they reach.
  return inputs
    .toSorted((a, b) => a.length - b.length)
    .filter((input) => {
      harness.run(input);
      return reached() > 0;
    });
}
