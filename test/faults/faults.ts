/**
 * Brings faults about under steady traffic through the real Envoy, one after the other: what callers see, what is lost,
 * and how long it takes until every request is answered again. `npm run test:faults` prints the table and writes
 * docs/measurements/faults.md.
 */
import { writeFile } from "node:fs/promises";
import { pace } from "../support/pace.ts";
import { type Call, callSteadily } from "./caller.ts";
import { SCENARIOS, type Scenario } from "./scenarios.ts";
import { startStack } from "./stack.ts";

const REQUESTS_PER_SECOND = 100;
const BEFORE_SECONDS = 1;
const FAULT_SECONDS = 3;
const AFTER_SECONDS = 3;
/** Part of the names of the scenarios to run; the table is written when all run. */
const only = process.argv[2] ?? "";
const TABLE = new URL("../../docs/measurements/faults.md", import.meta.url);

interface Result {
  scenario: Scenario;
  calls: Call[];
  failed: Call[];
  /** From the end of the fault until the last request that failed was answered, in milliseconds. */
  recovery: number;
  /** What became of what was acknowledged. */
  kept: string;
  faults: string[];
}

async function run(scenario: Scenario): Promise<Result> {
  const stack = await startStack(scenario.options);
  const over = new AbortController();
  const load = callSteadily(() => stack.envoy.port, REQUESTS_PER_SECOND, over.signal);
  try {
    await pace(BEFORE_SECONDS * 1000);
    const begun = performance.now();
    await scenario.begin(stack);
    await pace(begun + FAULT_SECONDS * 1000 - performance.now());
    await scenario.end(stack);
    const ended = performance.now();
    await pace(AFTER_SECONDS * 1000);
    over.abort();
    const calls = await load;
    const failed = calls.filter(({ status }) => status !== 200);
    const recovery = Math.max(0, ...failed.map(({ at, milliseconds }) => at + milliseconds - ended));
    const unexpected = failed.filter(
      ({ at, milliseconds, status }) => at + milliseconds < begun || !scenario.statuses.includes(status),
    );
    const kept = await Promise.resolve(scenario.kept?.(stack, calls.length)).catch((error: Error) => error);
    const faults = [
      ...(kept instanceof Error ? [kept.message] : []),
      ...(unexpected.length > 0 ? [`unexpected: ${seen(unexpected)}`] : []),
      ...(recovery > scenario.recoversWithin ? [`recovered after ${Math.round(recovery)} ms only`] : []),
      ...(scenario.statuses.length > 0 && !scenario.rare && failed.length === 0
        ? ["the fault was none: no request failed"]
        : []),
    ];
    return { scenario, calls, failed, recovery, kept: kept instanceof Error ? "" : (kept ?? ""), faults };
  } finally {
    over.abort();
    await load.catch(() => []);
    await stack.stop();
  }
}

/** Answers by status and reason, the most frequent ones first. */
function seen(calls: Call[]): string {
  const counts = new Map<string, number>();
  for (const { status, reason } of calls) {
    const answer = `${status || "no answer"} ${reason}`.trim();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([answer, count]) => `${count} x ${answer}`)
    .join("; ");
}

function row({ scenario, calls, failed, recovery, kept }: Result): string {
  const slowest = Math.max(...calls.filter(({ status }) => status === 200).map((call) => call.milliseconds));
  return `| ${[
    scenario.name,
    failed.length === 0 ? "nothing" : seen(failed),
    `${failed.length} of ${calls.length}`,
    failed.length === 0 ? "-" : `${Math.round(recovery)} ms`,
    `${Math.round(slowest)} ms`,
    kept,
  ].join(" | ")} |`;
}

const results: Result[] = [];
for (const scenario of SCENARIOS.filter(({ name }) => name.includes(only))) {
  const result = await run(scenario);
  results.push(result);
  console.log(row(result));
  for (const fault of result.faults) console.error(`FAULT ${scenario.name}: ${fault}`);
}
const table = `| fault | what callers see beside 200 | failed | until every request is answered again | slowest answer of 200 | |
| --- | --- | --- | --- | --- | --- |
${results.map(row).join("\n")}
`;
if (only === "") {
  await writeFile(
    TABLE,
    `# Faults

\`npm run test:faults\`: ${REQUESTS_PER_SECOND} requests a second through the real Envoy with gateway.wasm and one worker, while something goes wrong for ${FAULT_SECONDS} seconds.
Without retries, so that each failure shows.

${table}
A registry that is down while a filter is rolled out: the rollout pauses, no pod is asked to pull, no request fails (\`npm run test:cluster\`, rollout.test.ts).
`,
  );
}
process.exit(results.some(({ faults }) => faults.length > 0) ? 1 : 0);
