import { median } from "../bench/load.ts";
import type { AttackName } from "./attacks.ts";
import { type Neighbour, REQUESTS_PER_SECOND, type Seen } from "./callers.ts";
import { realTime } from "./scheduling.ts";
import { ATTACKERS_RATE, MODEL_MS } from "./stack.ts";

/** What each neighbour saw, window by window. */
export interface Outcome {
  attack: AttackName;
  /** Nobody attacked. */
  quiet: Record<Neighbour, Seen[]>;
  /** One client attacked the stand-in. */
  beside: Record<Neighbour, Seen[]>;
  /** It attacked the neighbours' gateway. */
  with: Record<Neighbour, Seen[]>;
  /** What the attacker did, in all windows together: there, and at the stand-in. */
  done: Record<string, number>;
  doneBeside: Record<string, number>;
}

/** A p99 may grow by so much. */
const MOST_GROWTH = 0.2;

/** The p99 of each window; of these the median, which no noisy moment of the machine moves. */
function p99Micros(windows: Seen[]): number {
  return median(
    windows.map(({ latencies }) => {
      const sorted = latencies.toSorted((a, b) => a - b);
      return sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN;
    }),
  );
}

const failures = (windows: Seen[]) => windows.reduce((sum, { failed }) => sum + failed, 0);

interface Line {
  neighbour: Neighbour;
  quietMicros: number;
  besideMicros: number;
  duringMicros: number;
  /** From beside to during. */
  growth: number;
  /** How far the p99 of every other window beside is from that of the rest: noise alone. */
  noise: number;
  failed: number;
}

function linesOf({ with: during, quiet, beside }: Outcome): Line[] {
  return (Object.keys(during) as Neighbour[]).map((neighbour) => {
    const elsewhere = beside[neighbour];
    const [odd, even] = [0, 1].map((rest) => p99Micros(elsewhere.filter((_, index) => index % 2 === rest)));
    const [besideMicros, duringMicros] = [p99Micros(elsewhere), p99Micros(during[neighbour])];
    const failed = failures(during[neighbour]) + failures(elsewhere) + failures(quiet[neighbour]);
    return {
      ...{ neighbour, quietMicros: p99Micros(quiet[neighbour]), besideMicros, duringMicros, failed },
      growth: duringMicros / besideMicros - 1,
      noise: Math.abs((odd as number) / (even as number) - 1),
    };
  });
}

/** Whether nobody noticed, and a text for the terminal. */
export function verdict(outcome: Outcome, seconds: number): { ok: boolean; text: string } {
  const lines = linesOf(outcome);
  const text = lines.map(
    ({ neighbour, quietMicros, besideMicros, duringMicros, growth, noise, failed }) =>
      `  ${neighbour.padEnd(38)}p99 quiet ${ms(quietMicros)}, beside ${ms(besideMicros)} -> ${ms(duringMicros)} ms (${percent(growth)}, noise ${percent(noise)}), failed ${failed}`,
  );
  return {
    ok: lines.every(({ growth, failed }) => growth < MOST_GROWTH && failed === 0),
    text: [
      `${outcome.attack} (${deeds(outcome, outcome.done, seconds)}; beside: ${deeds(outcome, outcome.doneBeside, seconds)})`,
      ...text,
    ].join("\n"),
  };
}

/** The page of docs/measurements. */
export function report(outcomes: Outcome[], seconds: number): string {
  const windows = Object.values(outcomes[0]?.with ?? {})[0]?.length ?? 0;
  const rows = outcomes.flatMap((outcome) =>
    linesOf(outcome).map(
      ({ neighbour, quietMicros, besideMicros, duringMicros, growth, noise, failed }, index) =>
        `| ${index === 0 ? `${outcome.attack}: ${deeds(outcome, outcome.done, seconds)}` : ""} | ${neighbour} | ${ms(quietMicros)} ms | ${ms(besideMicros)} ms | ${ms(duringMicros)} ms | ${percent(growth)} | ${percent(noise)} | ${failed} |`,
    ),
  );
  return `# Neighbours

\`npm run test:neighbours\`: one client attacks a task that it may call; three others send ${REQUESTS_PER_SECOND} JSON requests a second each, through the same
Envoy with one worker, gateway.wasm, the native check and the default \`protection\`. ${windows} windows of ${seconds} s without the attacker, as many with it elsewhere, and as many with it take turns.

Elsewhere is a stand-in: the same gateway and models once more, which nobody else calls. The attacker, and the model that serves what it may call, compute on the
core of the neighbours, as no attacker's machine does; that is there in both, so growth is from elsewhere to here: what sharing the gateway and the model adds.
A p99 is the median of those of the windows; noise is how far the windows with the attacker elsewhere are from each other.

Envoy has a core of its own; models and callers share the other one with the attacker${realTime ? ", which they have before it by priorities of real time: these keep other work of the\nmachine out of Envoy's core too" : ", which runs last there (niceness 19)"}. So the attacker has the CPU of one core at most, and a link of one gigabit. A model takes ${MODEL_MS} ms. The attacker's limit is ${ATTACKERS_RATE} requests a
second: three times as many of its task are kept for a class of callers that it is not of (\`priorities\` of the Tenant). Both tenants are in one pod here, which
Modelgate never does: the worst case.

| attack, and what it did a second | neighbour | p99 without | p99, attacked elsewhere | p99, attacked | growth | noise | failed |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

What it found: without \`http.max_requests_per_io_cycle: 1\` (a worker takes one new request of a connection at a time) the unfinished streams
raised every neighbour's p99 by 140 %. Resets that reach a model make its own guard against them end a connection that others use: a
ModelTask's default \`retries\` cover what had not begun there, and not all of it.
`;
}

function deeds({ with: during }: Outcome, done: Record<string, number>, seconds: number): string {
  const windows = Object.values(during)[0]?.length ?? 1;
  return Object.entries(done)
    .map(([what, count]) => `${Math.round(count / (windows * seconds)).toLocaleString("en")} ${what}`)
    .join(", ");
}

const ms = (micros: number) => (micros / 1000).toFixed(2);
const percent = (part: number) => `${(part * 100).toFixed(0)} %`;
