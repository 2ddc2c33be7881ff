import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compare, type LimitsGateway, startLimitsGateway } from "../support/limits-gateway.ts";
import { offer } from "../support/load.ts";

const RATE = 250;
const BURST = 25;
const SECONDS = 4;
const OFFERED = 1.5 * RATE;

/** How the load of a task lies on the workers. */
const shapes: Record<string, (port: number) => Promise<unknown>> = {
  even: (port) => run(port, "even", 32, SECONDS),
  oneWorker: (port) => run(port, "oneWorker", 1, SECONDS),
  lopsided: (port) =>
    Promise.all([
      run(port, "lopsided", 1, SECONDS, OFFERED * 0.9),
      run(port, "lopsided", 16, SECONDS, OFFERED * 0.1),
    ]),
  async moving(port) {
    for (let at = 0; at < SECONDS; at += 0.4) await run(port, "moving", 1, 0.4);
  },
};

function run(
  port: number,
  taskid: string,
  connections: number,
  seconds: number,
  requestsPerSecond = OFFERED,
) {
  return offer({ port, headers: { taskid }, connections, requestsPerSecond, seconds });
}

describe.each([1, 2, 4])("%i workers", (count) => {
  let gateway: LimitsGateway;
  let decisions: Awaited<ReturnType<LimitsGateway["decisions"]>>;
  beforeAll(async () => {
    const tasks = Object.keys(shapes).map((taskid) => ({ taskid, requestsPerSecond: RATE, burst: BURST }));
    gateway = await startLimitsGateway({ workers: count, rateLimit: { tasks } });
    await Promise.all(Object.values(shapes).map((shape) => shape(gateway.envoy.port)));
    decisions = await gateway.decisions();
  });
  afterAll(() => gateway?.stop());

  it.each(Object.keys(shapes))("load %s: admits what one bucket would, within 2 percent", (taskid) => {
    const own = decisions.filter((each) => each.taskid === taskid);
    const { admitted, ideal, most } = compare(own, RATE, BURST);
    expect(own.length).toBeGreaterThan(RATE * SECONDS);
    expect(Math.abs(admitted - ideal) / ideal).toBeLessThanOrEqual(0.02);
    expect(most).toBeLessThanOrEqual(RATE * 1.02 + BURST);
  });
});
