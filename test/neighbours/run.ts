/**
 * One client attacks: what its neighbours notice. `npm run test:neighbours [windows]`. The attacker computes on
 * the machine of its neighbours, and so does the model that it calls: what that takes from them is no gateway's
 * fault. So windows take turns, without it, with it at a stand-in (the same gateway and models once more, that
 * nobody else calls), and with it at the neighbours' own gateway. Fails when a neighbour's p99 of the last
 * is 20 % above that of the second, or one request fails. Writes docs/measurements/neighbours.md.
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
import { type Stack, startStack } from "./stack.ts";

const SECONDS = 3;
const PAGE = new URL("../../docs/measurements/neighbours.md", import.meta.url);
const neighbours = Object.keys(NEIGHBOURS) as Neighbour[];
const windows = Number(process.argv[2] ?? 8);
const only = process.argv[3] ?? "";

const reason = lacking();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
  process.exit(0);
}

const folder = await temporaryFolder(join(tmpdir(), "modelgate-callers-"));
const stack = await startStack("envoy");
const standIn = await startStack("standIn");
const { port } = stack.envoy;

/** Streams that callers have open. */
async function open({ envoy: { adminPort } }: Stack): Promise<number> {
  const stats = await fetch(`http://127.0.0.1:${adminPort}/stats?filter=http.gateway.downstream_rq_active`);
  return Number(/: (\d+)/.exec(await stats.text())?.[1]);
}

async function quiet(): Promise<void> {
  for (const each of [stack, standIn])
    await until(async () => (await open(each)) === 0, { message: "streams of the attacker are left" });
}

async function measure(attack: AttackName): Promise<Outcome> {
  const seen = () => Object.fromEntries(neighbours.map((name) => [name, [] as Seen[]])) as Outcome["with"];
  const outcome: Outcome = {
    ...{ attack, quiet: seen(), beside: seen(), with: seen() },
    ...{ done: {}, doneBeside: {} },
  };
  for (let window = 0; window < windows; window++) {
    await quiet();
    add(outcome.quiet, await call(port, folder.path, SECONDS));
    add(outcome.beside, await attacked(attack, standIn.envoy.port, outcome.doneBeside));
    await quiet();
    add(outcome.with, await attacked(attack, port, outcome.done));
  }
  return outcome;
}

/** What the neighbours see while the attacker is at `target`; what it does is added to `done`. */
async function attacked(
  attack: AttackName,
  target: number,
  done: Record<string, number>,
): Promise<Record<Neighbour, Seen>> {
  const attacker = Child.program("test/neighbours/attacker.ts", [attack, String(target)], as("attacker"));
  await attacker.printed(/^(on)$/);
  const seen = await call(port, folder.path, SECONDS);
  attacker.process.kill("SIGTERM");
  const deeds = JSON.parse(await attacker.printed(/^(\{.*\})$/)) as Record<string, number>;
  for (const [what, count] of Object.entries(deeds)) done[what] = (done[what] ?? 0) + count;
  await attacker.ended();
  return seen;
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
  await standIn.stop();
  await folder.remove();
}
if (only === "") await writeFile(PAGE, report(outcomes, SECONDS));
process.exitCode = outcomes.every((outcome) => verdict(outcome, SECONDS).ok) ? 0 : 1;
