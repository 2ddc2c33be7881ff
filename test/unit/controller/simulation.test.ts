import fc from "fast-check";
import { expect, test } from "vitest";
import { Gateway } from "../../../tools/servers/controller/gateway.ts";
import { noLimits } from "../../../tools/servers/controller/limit.ts";
import { PROTOCOL_VERSION, type Reply, report } from "../../../tools/servers/controller/protocol.ts";

/**
 * Gateway pods that report once a second, each at its own time, over a network that delays reports and replies by up to 0.4 s and loses
 * some, to a controller that restarts with an empty memory. All times in milliseconds.
 */
const LIMIT = 100;
const HOLD = 1500;
const SILENCE = 5000;
const END = 25_000;

interface Pod {
  name: string;
  demand: number;
  rate: number;
  generation: number;
  /** Changed by each report, so that a late reply is told apart. */
  call: number;
  /** The controller took it to be gone, after a long silence, and it has heard nothing since. */
  isLost: boolean;
}

interface Scenario {
  pods: { phase: number; demands: number[] }[];
  restarts: number[];
  /** Of each message in turn: delay, or lost. */
  network: (number | undefined)[];
}

const demand = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 }));
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  pods: fc.array(
    fc.record({
      phase: fc.integer({ min: 0, max: 999 }),
      demands: fc.array(demand, { minLength: 1, maxLength: 8 }),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  restarts: fc.array(fc.integer({ min: 8000, max: END - 5000 }), { maxLength: 2 }),
  network: fc.array(fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined, freq: 20 }), {
    minLength: 20,
    maxLength: 60,
  }),
});

/** Runs a scenario and calls back at each moment at which something changed. */
function simulate(
  { pods: setups, restarts, network }: Scenario,
  look: (now: number, pods: Pod[]) => void,
): void {
  const queue: { at: number; act: () => void }[] = [];
  const schedule = (at: number, act: () => void) => queue.push({ at, act });
  let now = 0;
  let messages = 0;
  let generation = 0;
  const started = () => {
    generation += 1_000_000;
    const gateway = new Gateway(() => ++generation);
    gateway.apply({ ...noLimits(), tasks: new Map([["a", { perSecond: LIMIT }]]), revoked: [] });
    return { gateway, holdsUntil: now + HOLD };
  };
  let controller = started();
  const send = (act: () => void) => {
    const delay = network[messages++ % network.length];
    if (delay !== undefined) schedule(now + delay, act);
  };
  const expire = () => {
    const { gateway } = controller;
    const known = new Set(gateway.pods.keys());
    gateway.expire(now, SILENCE);
    for (const pod of pods) if (known.has(pod.name) && !gateway.pods.has(pod.name)) pod.isLost = true;
  };
  const pods = setups.map(
    (_, i): Pod => ({ name: `p${i}`, demand: 0, rate: 0, generation: 0, call: 0, isLost: false }),
  );
  const beat = (pod: Pod, demands: number[]) => {
    pod.demand = demands[Math.floor(now / 5000) % demands.length] as number;
    const call = ++pod.call;
    const admitted = Math.min(pod.demand, pod.rate);
    const sent = report.parse({
      ...{ apiVersion: PROTOCOL_VERSION, gateway: "ns/g", pod: pod.name, generation: pod.generation },
      intervalMilliseconds: 1000,
      tasks: pod.demand > 0 ? { a: { admitted, refused: pod.demand - admitted } } : {},
    });
    send(() => {
      const reply = controller.gateway.report(sent, now, now < controller.holdsUntil);
      if (typeof reply === "object") send(() => pod.call === call && applied(pod, reply));
    });
    schedule(now + 1000, () => beat(pod, demands));
  };
  const applied = (pod: Pod, reply: Reply) => {
    pod.isLost = false;
    pod.generation = reply.generation;
    pod.rate = reply.tasks.a?.requestsPerSecond ?? pod.rate;
  };
  setups.forEach(({ phase, demands }, i) => {
    schedule(phase, () => beat(pods[i] as Pod, demands));
  });
  for (const at of restarts)
    schedule(at, () => {
      controller = started();
    });
  for (let at = 0; at < END; at += 500) schedule(at, expire);
  while (now < END) {
    let next = 0;
    for (let i = 1; i < queue.length; i++) if ((queue[i]?.at ?? 0) < (queue[next]?.at ?? 0)) next = i;
    const [event] = queue.splice(next, 1);
    if (event === undefined) return;
    now = event.at;
    event.act();
    look(now, pods);
  }
}

const rates = (pods: Pod[]) => pods.reduce((sum, { rate, isLost }) => sum + (isLost ? 0 : rate), 0);
const BOUND = LIMIT + 0.01;

test("shares never sum to more than the limit while messages are late and lost", () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      simulate({ ...scenario, restarts: [] }, (now, pods) => {
        if (rates(pods) > BOUND) throw new Error(`${rates(pods)} at ${now}`);
      });
    }),
    { numRuns: 200 },
  );
});

test("three seconds after a restart they don't either, where every report arrives", () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const network = scenario.network.map((delay) => (delay ?? 0) / 2);
      const isSettled = (now: number) => scenario.restarts.every((at) => now < at || now > at + 3000);
      simulate({ ...scenario, network }, (now, pods) => {
        if (isSettled(now) && rates(pods) > LIMIT * 1.05) throw new Error(`${rates(pods)} at ${now}`);
      });
    }),
    { numRuns: 200 },
  );
});

test("what the pods want is admitted, up to nine tenths of the limit at least, whatever was before", () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      let last: Pod[] = [];
      const constant = scenario.pods.map(({ phase, demands }) => ({ phase, demands: demands.slice(0, 1) }));
      const network = scenario.network.map((delay) => delay ?? 0);
      simulate({ ...scenario, network, pods: constant }, (_, pods) => {
        last = pods;
      });
      const wanted = last.reduce((sum, pod) => sum + pod.demand, 0);
      const admitted = last.reduce((sum, pod) => sum + Math.min(pod.demand, pod.rate), 0);
      expect(admitted).toBeGreaterThanOrEqual(Math.min(wanted, LIMIT) * 0.9);
    }),
    { numRuns: 200 },
  );
});
