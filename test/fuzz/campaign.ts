import { Random } from "../support/mutate.ts";
import { Fault, type Harness, type Target } from "./target.ts";

const MORE_PAGES = 64;
const SETTLED = 5000;
/** Inputs that may be kept to make others of. */
const POOL = 4000;

export interface Finding {
  what: string;
  input: Buffer;
}

export interface Result {
  cases: number;
  seconds: number;
  /** Branches reached and inputs that were the first to reach one, beyond the corpus. */
  fresh: Buffer[];
  findings: Finding[];
  harness: Harness;
}

export interface CampaignOptions {
  seed: number;
  /** At most so many cases and milliseconds. */
  cases: number;
  milliseconds: number;
  corpus: readonly Buffer[];
  /** Told about each finding as it comes. */
  found?: (finding: Finding) => void;
  signal?: AbortSignal;
}

/** Most different findings before a campaign gives up. */
const MOST_FINDINGS = 20;

/** Fuzzes a target: inputs that reach a new branch are kept, and mixed and changed into others. */
export async function campaign(target: Target, options: CampaignOptions): Promise<Result> {
  const random = new Random(options.seed);
  const started = performance.now();
  let harness = await target.open();
  const pool: Buffer[] = [];
  const fresh: Buffer[] = [];
  const findings: Finding[] = [];
  let cases = 0;
  let runs = 0;
  let pages = 0;

  const attempt = async (input: Buffer): Promise<void> => {
    try {
      cases += harness.run(input) ?? 1;
      for (const module of harness.modules)
        if (module.pages - pages > (harness.morePages ?? MORE_PAGES) && runs > SETTLED)
          throw new Fault(`the memory of ${module.name} has grown from ${pages} to ${module.pages} pages`);
    } catch (error) {
      cases++;
      const what = describeFault(error, harness);
      const known = findings.some((each) => kind(each.what) === kind(what));
      if (!known) {
        const finding = { what, input };
        findings.push(finding);
        options.found?.(finding);
      }
      const seen = harness.modules.map((module) => module.seen);
      harness = await target.open();
      for (const [i, module] of harness.modules.entries()) module.seen.set(seen[i] as Uint8Array);
      runs = 0;
    }
    runs++;
    if (runs <= SETTLED) pages = Math.max(...harness.modules.map((module) => module.pages));
  };
  const reached = () => harness.modules.map((module) => module.end()).reduce((sum, each) => sum + each, 0);

  for (const input of options.corpus) {
    await attempt(input);
    reached();
    pool.push(input);
  }
  const end = started + options.milliseconds;
  while (cases < options.cases && performance.now() < end && !options.signal?.aborted) {
    if (findings.length >= MOST_FINDINGS) break;
    const one = pool.length > 0 ? random.pick(pool) : undefined;
    const input =
      !one || random.below(4) === 0
        ? harness.generate(random)
        : harness.mutate(one, random.pick(pool), random);
    await attempt(input);
    if (reached() > 0 && !harness.batch) {
      fresh.push(input);
      if (pool.length < POOL) pool.push(input);
    }
    if (runs % 1000 === 0) await new Promise(setImmediate);
  }
  return { cases, seconds: (performance.now() - started) / 1000, fresh, findings, harness };
}

/** What went wrong with a case. */
export function describeFault(error: unknown, harness: Harness): string {
  if (error instanceof Fault) return error.message;
  const hung = harness.modules.some((module) => module.spent);
  if (hung) return "takes more steps than an input of this length may";
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.split("\n").slice(0, 6).join("\n");
}

/** What findings of one cause have in common: the message without the values in it. */
function kind(what: string): string {
  return what.replace(/"(\\.|[^"\\])*"|\d+/g, "#").slice(0, 80);
}

/** A shorter input with the same finding, as far as cutting pieces out leads. */
export async function shortened(target: Target, { what, input }: Finding): Promise<Buffer> {
  let best = input;
  let harness = await target.open();
  if (harness.batch) return input;
  for (let size = best.length >> 1, tries = 0; size > 0 && tries < 2000; size >>= 1) {
    for (let at = 0; at < best.length && tries < 2000; tries++) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      try {
        harness.run(shorter);
        at += size;
      } catch (error) {
        if (kind(describeFault(error, harness)) === kind(what)) best = shorter;
        else at += size;
        harness = await target.open();
      }
    }
  }
  return best;
}
