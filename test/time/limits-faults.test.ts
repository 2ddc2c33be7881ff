import { afterAll, beforeAll, expect, it } from "vitest";
import { type LimitsController, startLimitsController } from "../support/limits-controller.ts";
import { compare, type Decision, type LimitsGateway, startLimitsGateway } from "../support/limits-gateway.ts";
import { offer } from "../support/load.ts";
import { pace } from "../support/pace.ts";
import { builtTestModule } from "../support/wasm.ts";

const V1 = "limits.modelgate.dev/v1";
const CONFIGURED = 100;
const LIMIT = 200;
const OFFERED = 500;
/** Time that a change of the limit may take, and that one of anything else gets. */
const CHANGE = 3;
const SETTLE = 1;
const MEASURE = 2;
/** Seconds of the rate. */
const BURST = 0.1;

const limit = (rate: number, generation: number) => ({
  apiVersion: V1,
  generation,
  full: true,
  tasks: { "1": { requestsPerSecond: rate, burst: rate * BURST } },
  tenants: {},
});
const lies = [
  "garbage",
  limit(-5, 900),
  limit(1e12, 901),
  "{",
  { ...limit(1e6, 902), apiVersion: "v0" },
  JSON.stringify(limit(1e6, 903)).replace("1000000", "1e999"),
];

interface Phase {
  name: string;
  /** What the limits must be, in its last seconds. */
  rate: number;
  begin(): Promise<unknown> | unknown;
}

let controller: LimitsController | undefined;
let gateway: LimitsGateway;
let decisions: Decision[];
const measured: Record<string, ReturnType<typeof compare>> = {};

const phases: Phase[] = [
  { name: "controller never seen", rate: CONFIGURED, begin: () => {} },
  {
    name: "controller there",
    rate: LIMIT,
    async begin() {
      controller = await startLimitsController(() => limit(LIMIT, 7), port);
    },
  },
  {
    name: "controller slow",
    rate: LIMIT,
    begin() {
      if (controller) controller.answer = () => undefined;
    },
  },
  {
    name: "controller lying",
    rate: LIMIT,
    begin() {
      let next = 0;
      if (controller) controller.answer = () => lies[next++ % lies.length];
    },
  },
  { name: "controller down", rate: LIMIT, begin: () => controller?.stop() },
  { name: "VMs made anew", rate: LIMIT, begin: () => trap() },
  {
    name: "controller back with an empty memory",
    rate: LIMIT / 2,
    async begin() {
      controller = await startLimitsController(() => limit(LIMIT / 2, 1), port);
    },
  },
];
let port = 0;

/** Makes the VM of each worker trap. */
async function trap(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await offer({
      port: gateway.envoy.port,
      headers: { taskid: "1", "x-trap": "1" },
      connections: 8,
      requestsPerSecond: 1000,
      seconds: 0.008,
    });
    await pace(200);
  }
}

beforeAll(async () => {
  const module = await builtTestModule("limits-trap");
  const closed = await startLimitsController(() => undefined);
  port = closed.port;
  await closed.stop();
  gateway = await startLimitsGateway({
    workers: 2,
    module,
    configuration: { trap: {} },
    controllerPort: port,
    rateLimit: {
      tasks: [{ taskid: "1", requestsPerSecond: CONFIGURED, burst: CONFIGURED * BURST }],
      controller: { gateway: "test/gateway", cluster: "controller", timeoutMilliseconds: 500 },
    },
  });
  const over = new AbortController();
  const load = offer({
    port: gateway.envoy.port,
    headers: { taskid: "1" },
    connections: 8,
    requestsPerSecond: OFFERED,
    seconds: 2 * phases.length * (CHANGE + MEASURE),
    signal: over.signal,
  });
  const ends: [Phase, number][] = [];
  for (const phase of phases) {
    const settle = phase.rate === ends.at(-1)?.[0].rate ? SETTLE : CHANGE;
    const end = Date.now() + (settle + MEASURE) * 1000;
    await phase.begin();
    await pace(end - Date.now());
    ends.push([phase, Date.now() / 1000]);
  }
  over.abort();
  await load;
  decisions = await gateway.decisions();
  for (const [{ name, rate }, end] of ends) {
    const inPhase = decisions.filter(({ at }) => at >= end - MEASURE && at < end);
    measured[name] = compare(inPhase, rate, rate * BURST);
  }
});
afterAll(async () => {
  await gateway?.stop();
  await controller?.stop();
});

it.each(phases)("$name: the limit holds, and all of it is there", ({ name, rate }) => {
  const { admitted = 0, ideal = 0 } = measured[name] ?? {};
  expect(admitted / MEASURE).toBeLessThanOrEqual(rate * 1.05);
  expect(admitted).toBeGreaterThanOrEqual((ideal - rate * BURST) * 0.95);
});

it("no request waits for the controller", () => {
  expect(Math.max(...decisions.map(({ duration }) => duration))).toBeLessThan(450);
});

it("every VM that was made anew serves again", () => {
  const last = decisions.slice(-100);
  expect(last.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
});
