/**
 * One client attacks: what its neighbours notice. `npm run test:neighbours [windows]`. Windows with and without
 * the attacker take turns, so that a noisy moment of the machine hits both alike. Fails when a neighbour's p99
 * grows by 20 % or one request fails. Writes docs/measurements/neighbours.md.
 */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { Child } from "../support/child.ts";
import { until } from "../support/until.ts";
import { ATTACKS, type AttackName } from "./attacks.ts";
import { call, NEIGHBOURS, type Neighbour, type Seen } from "./callers.ts";
import { type Outcome, report, verdict } from "./report.ts";
import { as, lacking } from "./scheduling.ts";
import { startStack } from "./stack.ts";

const SECONDS = 3;
const PAGE = new URL("../../docs/measurements/neighbours.md", import.meta.url);
const neighbours = Object.keys(NEIGHBOURS) as Neighbour[];
const windows = Number(process.argv[2] ?? 12);
const only = process.argv[3] ?? "";

const reason = lacking();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}

const folder = await temporaryFolder(join(tmpdir(), "modelgate-callers-"));
const stack = await startStack();
const { port, adminPort } = stack.envoy;

/** Streams that callers have open. */
async function open(): Promise<number> {
  const stats = await fetch(`http://127.0.0.1:${adminPort}/stats?filter=http.gateway.downstream_rq_active`);
  return Number(/: (\d+)/.exec(await stats.text())?.[1]);
}

const quiet = () => until(async () => (await open()) === 0, { message: "streams of the attacker are left" });

async function measure(attack: AttackName): Promise<Outcome> {
  const seen = () => Object.fromEntries(neighbours.map((name) => [name, [] as Seen[]])) as Outcome["with"];
  const outcome: Outcome = { attack, with: seen(), without: seen(), done: {} };
  for (let window = 0; window < windows; window++) {
    await quiet();
    add(outcome.without, await call(port, folder.path, SECONDS));
    const attacker = Child.program("test/neighbours/attacker.ts", [attack, String(port)], as("attacker"));
    await attacker.printed(/^(on)$/);
    add(outcome.with, await call(port, folder.path, SECONDS));
    attacker.process.kill("SIGTERM");
    const done = JSON.parse(await attacker.printed(/^(\{.*\})$/)) as Record<string, number>;
    for (const [what, count] of Object.entries(done)) outcome.done[what] = (outcome.done[what] ?? 0) + count;
    await attacker.ended();
  }
  return outcome;
}

function add(to: Outcome["with"], seen: Record<Neighbour, Seen>): void {
  for (const name of neighbours) to[name].push(seen[name]);
}

const outcomes: Outcome[] = [];
try {
  for (let i = 0; i < 2; i++) await call(port, folder.path, SECONDS);
  for (const attack of Object.keys(ATTACKS) as AttackName[]) {
    if (!attack.includes(only)) continue;
    outcomes.push(await measure(attack));
    console.log(verdict(outcomes.at(-1) as Outcome, SECONDS).text);
  }
} finally {
  await stack.stop();
  await folder.remove();
}
if (only === "") await writeFile(PAGE, report(outcomes, SECONDS));
process.exitCode = outcomes.every((outcome) => verdict(outcome, SECONDS).ok) ? 0 : 1;
