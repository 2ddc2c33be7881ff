import { beforeAll, expect, it } from "vitest";
import { PHASES, type Run, rates, runTwoGateways, SETTLE } from "../support/two-gateways.ts";

const plan = PHASES.slice(0, 3);
let run: Run;

beforeAll(async () => {
  run = await runTwoGateways(plan, SETTLE + 2.5);
});

it.each(plan)("two gateways and the controller, $name: together within the limit", ({ name }) => {
  const phase = run.phases.find((each) => each.name === name) as Run["phases"][0];
  const { admitted, refused } = rates(run, phase.from + SETTLE, phase.to);
  expect(admitted).toBeLessThanOrEqual(phase.limit * 1.05);
  expect(admitted).toBeGreaterThanOrEqual(phase.limit * 0.6);
  expect(refused).toBeGreaterThan(0);
});
