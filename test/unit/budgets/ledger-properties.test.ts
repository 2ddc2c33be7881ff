import fc from "fast-check";
import { expect, it } from "vitest";
import { ACCOUNT, AMOUNT, BudgetWorld, type Fault } from "../../support/budget-world.ts";

type Step = (world: BudgetWorld) => void;

const GATEWAYS = 3;
const gateway = fc.nat(GATEWAYS - 1);
const controller = fc.nat(1);
const fault = fc.constantFrom<Fault>(
  ...(["none", "none", "none", "reportLost", "crashBeforeCommit", "crashAfterCommit", "replyLost"] as const),
);
const amount = fc.integer({ min: 1, max: 500 });
/** All that there is, or more than that. */
const much = fc.oneof(amount, fc.constant(0), fc.integer({ min: 1, max: AMOUNT }));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(gateway, controller, fault).map(
      ([each, by, what]): Step =>
        (world) =>
          world.exchange(each, by, what),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(gateway, much).map(
      ([each, amount]): Step =>
        (world) =>
          world.call(each, amount),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(gateway, much).map(
      ([each, amount]): Step =>
        (world) =>
          world.take(each, amount),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.nat(), fc.integer({ min: 0, max: 130 })).map(
      ([which, percent]): Step =>
        (world) =>
          world.settle(which, percent),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.nat(100), controller).map(
      ([which, by]): Step =>
        (world) =>
          world.repeat(which, by),
    ),
  },
  gateway.map(
    (each): Step =>
      (world) =>
        world.kill(each),
  ),
  controller.map(
    (by): Step =>
      (world) =>
        world.crash(by),
  ),
  controller.map(
    (by): Step =>
      (world) =>
        world.retire(by),
  ),
  fc.constantFrom(1_000, 3_600_000, 9 * 3_600_000, 30 * 3_600_000).map(
    (ms): Step =>
      (world) =>
        world.advance(ms),
  ),
  fc.tuple(controller, amount).map(
    ([by, added]): Step =>
      (world) =>
        world.byHand(by, "topUp", added),
  ),
  controller.map(
    (by): Step =>
      (world) =>
        world.byHand(by, "reset", 0),
  ),
);

const total = (amounts: Iterable<number>) => [...amounts].reduce((sum, each) => sum + each, 0);

function check(world: BudgetWorld): void {
  // None is lost that was acknowledged, and none is counted twice.
  expect(world.booked()).toEqual(world.told());
  for (const [lease, spent] of world.acknowledged) {
    expect(world.committed.get(lease)).toBeGreaterThanOrEqual(spent);
    expect(spent).toBeLessThanOrEqual(world.spent.get(lease) ?? 0);
  }
  for (const { used, allowed } of world.use()) expect(used).toBeLessThanOrEqual(allowed);
}

it("loses no acknowledged spend, counts none twice and spends no more than there is, over crashes at every point", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const world = new BudgetWorld(GATEWAYS);
      for (const each of steps) {
        each(world);
        check(world);
      }
      const leases = world.liveLeases();
      world.quiesce(0);
      check(world);
      for (const id of leases) expect(world.committed.get(id) ?? 0).toBe(world.spent.get(id) ?? 0);
    }),
    { numRuns: Number(process.env.MODELGATE_LEDGER_RUNS ?? 300) },
  );
});

it("lets whoever is left spend all that is left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.nat(GATEWAYS - 1), (steps, last) => {
      const world = new BudgetWorld(GATEWAYS);
      for (const each of steps) each(world);
      world.quiesce(0);
      const before = total(world.booked().values());
      const account = world.state.accounts[ACCOUNT];
      const left = account ? account.amount + account.added - account.spent - account.unknown : 0;
      const dead = total(
        Object.values(account?.leases ?? {})
          .filter(({ holder, period }) => period === undefined && !world.isAlive(holder))
          .map(({ granted, spent, returned }) => Math.max(0, granted - spent - returned)),
      );
      const [gateway] = world.gateways.slice(last);
      for (let round = 0; round < 40; round++) {
        world.take(last, Math.max(1, Math.min(gateway?.left ?? 0, AMOUNT * 100)));
        world.settle(0, 100);
        if (gateway) gateway.wanted = AMOUNT * 100;
        for (const index of world.gateways.keys()) world.exchange(index, 0, "none");
        check(world);
      }
      // Of all that is left, others keep what they need to begin with.
      const spent = total(world.booked().values()) - before;
      expect(spent).toBeLessThanOrEqual(Math.max(0, left - dead));
      expect(spent).toBeGreaterThanOrEqual((left - dead) * 0.99 - 20);
    }),
    { numRuns: 60 },
  );
});
