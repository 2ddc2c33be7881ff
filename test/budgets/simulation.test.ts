/** Budgets and limits on tokens with real Envoys, the real controller and a model server of known speed. */
import { afterEach, expect, it } from "vitest";
import { pace } from "../support/pace.ts";
import { until } from "../support/until.ts";
import { type Answered, chat, type Stack, startStack } from "./stack.ts";
import { PROMPT_TOKENS } from "./token-server.ts";

const DAILY = "daily";
let stack: Stack;
afterEach(() => stack?.stop());

async function begin(tenant: object, limits?: object) {
  stack = await startStack(tenant, limits);
  await stack.startController();
}

const daily = (tokens: number, more: object = {}) => ({
  budgets: [{ name: DAILY, per: "day", tokens, ...more }],
});

/** What a budget has spent as soon as no report changes it any more. */
async function settled(): Promise<number> {
  let last = -1;
  let since = 0;
  await until(
    async () => {
      const { spent = 0 } = (await stack.account(DAILY)) ?? {};
      since = spent === last ? since : performance.now();
      last = spent;
      return performance.now() - since > 2500;
    },
    { everyMs: 100, message: "the budget's spend does not come to rest" },
  );
  return last;
}

const piecesOf = (answers: Answered[]) => answers.reduce((sum, { pieces }) => sum + pieces, 0);

it("100 streams at once against a budget for 10: those pass that fit, and no more is spent", async () => {
  const tokens = 50;
  const budget = 10 * (PROMPT_TOKENS + tokens);
  await begin(daily(budget));
  const gateway = await stack.startGateway("gw-1");
  const answers = await Promise.all(Array.from({ length: 100 }, () => chat(gateway, { tokens })));
  const passed = answers.filter(({ status }) => status === 200);
  // Each refusal says what is left, as far as calls under way have not reserved it.
  for (const { quota } of answers.filter(({ status }) => status !== 200)) {
    expect(quota[0]).toBe(String(budget));
    expect(Number(quota[1])).toBeLessThanOrEqual(budget);
  }
  const refused = new Set(answers.filter(({ status }) => status !== 200).map(({ reason }) => reason));
  const spent = await settled();
  console.log(`${passed.length} of 100 passed, ${spent} of ${budget} spent, refused: ${[...refused]}`);
  expect(passed.length).toBeGreaterThanOrEqual(9);
  expect(spent).toBe(passed.length * (PROMPT_TOKENS + tokens));
  // The estimate of a prompt that nothing was learnt of may be wrong by so much.
  expect(spent).toBeLessThanOrEqual(budget + passed.length * PROMPT_TOKENS);
});

it("100 streams of a server that keeps to no max_tokens: a hard budget ends each", async () => {
  const tokens = 50;
  const budget = 10 * (PROMPT_TOKENS + tokens);
  await begin(daily(budget, { hard: true }));
  stack.server.factor = 200;
  const gateway = await stack.startGateway("gw-1");
  const answers = await Promise.all(Array.from({ length: 100 }, () => chat(gateway, { tokens })));
  const passed = answers.filter(({ status }) => status === 200);
  expect(passed.every(({ isDone }) => isDone)).toBe(true);
  expect(new Set(passed.map(({ finish }) => finish))).toEqual(new Set(["length"]));
  // The model is not left to write what nobody gets.
  const { sent } = stack.server;
  const spent = await settled();
  console.log(
    `${passed.length} streams ended behind ${piecesOf(passed)} tokens, ${spent} of ${budget} spent, ${sent} sent`,
  );
  expect(stack.server.sent).toBe(sent);
  expect(spent).toBeLessThanOrEqual(budget);
  expect(piecesOf(passed)).toBeLessThanOrEqual(budget);
  expect(spent).toBeGreaterThan(budget * 0.9);
});

it("callers who hang up in the middle are charged for what was delivered", async () => {
  await begin(daily(1_000_000));
  stack.server.tokenMs = 10;
  const gateway = await stack.startGateway("gw-1");
  // The prompt's estimate is learnt from a whole answer.
  for (let i = 0; i < 60; i++) await chat(gateway, { tokens: 1, stream: false });
  const before = await settled();
  const answers = await Promise.all(
    Array.from({ length: 40 }, () => chat(gateway, { tokens: 200, stopBehind: 100 })),
  );
  const delivered = piecesOf(answers) + 40 * PROMPT_TOKENS;
  const charged = (await settled()) - before;
  console.log(
    `charged ${charged} of ${delivered} delivered (${((charged / delivered - 1) * 100).toFixed(1)} %)`,
  );
  expect(Math.abs(charged / delivered - 1)).toBeLessThan(0.1);
});

it("two gateway pods with demand that moves use the limit of four replicas", async () => {
  const perReplica = 1000;
  const limit = 4 * perReplica;
  await begin({}, { perReplica });
  const pods = [await stack.startGateway("gw-1"), await stack.startGateway("gw-2")];
  const tokens = 180;
  const cost = PROMPT_TOKENS + tokens;
  /** Offers calls at an even pace, and @returns tokens a second that were used of both behind `settleMs`. */
  const run = async (offered: number[], seconds: number): Promise<number> => {
    let used = 0;
    const settleMs = 9000;
    const start = performance.now();
    const calls: Promise<void>[] = [];
    const until = start + settleMs + seconds * 1000;
    const due = [0, 0];
    for (let last = start; performance.now() < until; await pace(10)) {
      const now = performance.now();
      pods.forEach((pod, i) => {
        due[i] = (due[i] ?? 0) + ((offered[i] ?? 0) * (now - last)) / 1000 / cost;
        for (; (due[i] ?? 0) >= 1; due[i] = (due[i] ?? 0) - 1)
          calls.push(
            chat(pod, { tokens, stream: false }).then(({ status }) => {
              if (status === 200 && now > start + settleMs) used += cost;
            }),
          );
      });
      last = now;
    }
    const measured = (performance.now() - start - settleMs) / 1000;
    await Promise.all(calls);
    return used / measured;
  };
  for (const offered of [
    [1.5 * limit, 1.5 * limit],
    [1.5 * limit, limit / 10],
    [limit / 10, 1.5 * limit],
  ]) {
    const used = await run(offered, 10);
    console.log(`offered ${offered.join(" + ")} tokens/s: used ${used.toFixed(0)}/s of ${limit}/s`);
    expect(Math.abs(used / limit - 1)).toBeLessThan(0.02);
  }
});

it("kill -9 of controller, gateway and both: nothing is spent twice, and calls go on", async () => {
  const budget = 30_000;
  await begin(daily(budget));
  const tokens = 30;
  let pod = 0;
  let gateway = await stack.startGateway(`gw-${pod}`);
  const waits: number[] = [];
  /** Calls for a while; @returns how long the first one took to pass, in milliseconds */
  const spend = async (calls: number) => {
    const start = performance.now();
    await until(async () => (await chat(gateway, { tokens, stream: false })).status === 200, {
      message: "no call passes",
    });
    waits.push(performance.now() - start);
    for (let i = 0; i < calls; i++) await chat(gateway, { tokens, stream: false });
  };
  const restart = async () => {
    process.kill(gateway.pid ?? 0, "SIGKILL");
    gateway = await stack.startGateway(`gw-${++pod}`);
  };
  await spend(20);
  await stack.killController();
  await stack.startController();
  await spend(20);
  await restart();
  await spend(20);
  await stack.killController();
  await restart();
  await stack.startController();
  await spend(20);
  const delivered = stack.server.begun * PROMPT_TOKENS + stack.server.sent;
  await settled();
  const account = await stack.account(DAILY);
  const known = account?.spent ?? 0;
  console.log(
    `delivered ${delivered}, spent ${known}, unknown ${account?.unknown}, of ${budget}; first call behind each: ${waits.map((ms) => ms.toFixed(0)).join(", ")} ms`,
  );
  expect(known).toBeLessThanOrEqual(delivered);
  // What a gateway had not reported is within the leases that it took with it, open or counted as unknown.
  const leased = Object.values((account as { leases?: Record<string, { granted: number }> })?.leases ?? {});
  const open = leased.reduce((sum, { granted }) => sum + granted, 0);
  expect(known + (account?.unknown ?? 0) + open).toBeGreaterThanOrEqual(delivered);
  expect(known + (account?.unknown ?? 0)).toBeLessThanOrEqual(budget);
});
