import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Gateway } from "../../../tools/servers/controller/gateway.ts";
import { noLimits } from "../../../tools/servers/controller/limit.ts";
import { PROTOCOL_VERSION, type Reply, report } from "../../../tools/servers/controller/protocol.ts";

const LIMIT = 100;
const CAP = 12;

/** A gateway pod as the protocol wants it: applies replies, reports what its own buckets let through. */
class FakePod {
  readonly name: string;
  generation = 0;
  rate = 0;
  inFlight = 0;
  demand: number;

  constructor(name: string, demand: number) {
    this.name = name;
    this.demand = demand;
  }

  report(gateway: Gateway, now: number, holding = false) {
    const admitted = Math.min(this.demand, this.rate);
    return gateway.report(
      report.parse({
        apiVersion: PROTOCOL_VERSION,
        gateway: "ns/g",
        pod: this.name,
        generation: this.generation,
        intervalMilliseconds: 1000,
        connections: 0,
        tasks:
          this.demand > 0
            ? {
                a: {
                  admitted,
                  refused: this.demand - admitted,
                  inFlight: Math.min(this.inFlight, this.demand),
                  latencyMicroseconds: 1,
                },
              }
            : {},
        tenants: {},
      }),
      now,
      holding,
    );
  }

  apply(reply: ReturnType<Gateway["report"]>): void {
    if (typeof reply === "string") throw new Error(reply);
    this.generation = reply.generation;
    this.rate = reply.tasks.a?.requestsPerSecond ?? this.rate;
    this.inFlight = reply.tasks.a?.maxInFlight ?? this.inFlight;
  }
}

function newGateway(limit = LIMIT, generationsFrom = 0): Gateway {
  let generation = generationsFrom;
  const gateway = new Gateway(() => ++generation);
  setLimit(gateway, limit);
  return gateway;
}

function setLimit(gateway: Gateway, limit: number, maxInFlight = CAP): void {
  gateway.apply({
    ...noLimits(),
    tasks: new Map([["a", { perSecond: limit, maxInFlight }]]),
    revoked: [],
  });
}

const total = (pods: FakePod[]) => pods.reduce((sum, pod) => sum + pod.rate, 0);

function rounds(gateway: Gateway, pods: FakePod[], count: number, from: number): number {
  let now = from;
  for (let i = 0; i < count; i++) {
    now += 1000;
    for (const pod of pods) pod.apply(pod.report(gateway, now));
  }
  return now;
}

describe("shares of one limit", () => {
  test("follow demand", () => {
    const gateway = newGateway();
    const pods = [new FakePod("busy", 90), new FakePod("idle", 0), new FakePod("small", 5)];
    rounds(gateway, pods, 10, 0);
    const [busy = 0, idle = 0, small = 0] = pods.map(({ rate }) => rate);
    expect(busy).toBeGreaterThan(88);
    expect(idle).toBeGreaterThan(1.6);
    expect(small).toBeGreaterThan(5);
    expect(total(pods)).toBeGreaterThan(LIMIT * 0.99);
  });

  test("are within a whole limit after it rises or falls", () => {
    const gateway = newGateway();
    const pods = [new FakePod("a", 500), new FakePod("b", 500)];
    const now = rounds(gateway, pods, 5, 0);
    setLimit(gateway, 40);
    rounds(gateway, pods, 1, now);
    expect(total(pods)).toBeLessThanOrEqual(40);
    setLimit(gateway, 300);
    rounds(gateway, pods, 4, now + 1000);
    expect(total(pods)).toBeGreaterThan(300 * 0.99);
    expect(total(pods)).toBeLessThanOrEqual(300);
  });

  test("settle: without news a reply is empty and keeps its generation", () => {
    const gateway = newGateway();
    const pods = [new FakePod("a", 50), new FakePod("b", 20)];
    const now = rounds(gateway, pods, 12, 0);
    const reply = pods[0]?.report(gateway, now + 1000) as Reply;
    expect(reply).toMatchObject({ generation: pods[0]?.generation, full: false });
    expect(Object.keys(reply.tasks)).toEqual([]);
  });

  test("never sum to more than the limit: replies lost, pods joining and leaving", () => {
    const step = fc.record({
      pod: fc.nat(5),
      demand: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
      lost: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.boolean()),
      leaves: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.boolean()),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 120 }), (steps) => {
        const gateway = newGateway();
        const pods = new Map<string, FakePod>();
        let now = 0;
        for (const { pod: index, demand, lost, leaves } of steps) {
          now += 300;
          const name = `p${index}`;
          if (leaves) {
            pods.delete(name);
            gateway.applyPods([...pods.keys()], now);
            continue;
          }
          const pod = pods.get(name) ?? new FakePod(name, demand);
          pods.set(name, pod);
          gateway.applyPods([...pods.keys()], now);
          pod.demand = demand;
          const reply = pod.report(gateway, now);
          if (!lost) pod.apply(reply);
          expect(total([...pods.values()])).toBeLessThanOrEqual(LIMIT * (1 + 1e-9) + pods.size * 0.001);
          expect([...pods.values()].reduce((sum, { inFlight }) => sum + inFlight, 0)).toBeLessThanOrEqual(
            CAP,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  test("converge from anywhere, and no pod starves", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 }), (demands) => {
        const gateway = newGateway();
        const pods = demands.map((demand, i) => new FakePod(`p${i}`, demand));
        rounds(gateway, pods, 15, 0);
        const equal = LIMIT / pods.length;
        expect(total(pods)).toBeGreaterThan(LIMIT * 0.94);
        for (const { rate, demand } of pods)
          expect(rate).toBeGreaterThan(Math.max(equal * 0.024, Math.min(demand * 0.98, equal * 0.44)));
      }),
    );
  });

  test("a liar gets no more than there is, and the others keep a sure share", () => {
    const gateway = newGateway();
    const pods = [new FakePod("liar", 1e9), new FakePod("honest", 60)];
    rounds(gateway, pods, 10, 0);
    expect(total(pods)).toBeLessThanOrEqual(LIMIT);
    expect(pods[1]?.rate).toBeGreaterThan(LIMIT / 2 / 2);
  });

  test("a silent pod's share stays reserved until it expires", () => {
    const gateway = newGateway();
    const [silent, busy] = [new FakePod("silent", 50), new FakePod("busy", 500)] as [FakePod, FakePod];
    let now = rounds(gateway, [silent, busy], 6, 0);
    const before = total([silent, busy]);
    now = rounds(gateway, [busy], 3, now);
    expect(total([silent, busy])).toBeLessThanOrEqual(Math.max(before, LIMIT));
    gateway.expire(now + 3000, 5000);
    rounds(gateway, [busy], 3, now + 3000);
    expect(busy.rate).toBeGreaterThan(LIMIT * 0.99);
  });

  test("a pod that Kubernetes still shows keeps its share however long it is silent", () => {
    const gateway = newGateway();
    gateway.applyPods(["silent", "busy"], 0);
    const [silent, busy] = [new FakePod("silent", 50), new FakePod("busy", 500)] as [FakePod, FakePod];
    const now = rounds(gateway, [silent, busy], 6, 0);
    gateway.expire(now + 60_000, 5000);
    rounds(gateway, [busy], 3, now + 60_000);
    expect(total([silent, busy])).toBeLessThanOrEqual(LIMIT);
  });

  test("a newcomer has something at once and its part soon", () => {
    const gateway = newGateway();
    const [old, fresh] = [new FakePod("old", 500), new FakePod("fresh", 500)] as [FakePod, FakePod];
    const now = rounds(gateway, [old], 6, 0);
    fresh.apply(fresh.report(gateway, now + 500));
    expect(fresh.rate).toBeGreaterThan(0);
    rounds(gateway, [old, fresh], 4, now + 500);
    expect(fresh.rate).toBeGreaterThan(LIMIT * 0.45);
  });
});

describe("a controller with an empty memory", () => {
  test("holds, then hands out within the limit", () => {
    const demands = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(demands, (list) => {
        const pods = list.map((demand, i) => new FakePod(`p${i}`, demand));
        let now = rounds(newGateway(), pods, 10, 0);
        const rates = pods.map(({ rate }) => rate);
        const restarted = newGateway(LIMIT, 1_000_000);
        for (const pod of pods) {
          now += 100;
          pod.apply(pod.report(restarted, now, true));
        }
        expect(pods.map(({ rate }) => rate)).toEqual(rates);
        for (let round = 0; round < 3; round++) {
          for (const pod of pods) {
            now += 100;
            pod.apply(pod.report(restarted, now));
            const admitted = pods.reduce((sum, { demand, rate }) => sum + Math.min(demand, rate), 0);
            expect(admitted).toBeLessThanOrEqual(LIMIT * 1.05);
          }
          expect(total(pods)).toBeLessThanOrEqual(LIMIT * 1.05);
        }
      }),
    );
  });

  test("asks a pod with an unknown generation for nothing and tells it everything", () => {
    const gateway = newGateway();
    const pod = new FakePod("a", 1);
    pod.generation = 987_654;
    expect(pod.report(gateway, 1000)).toMatchObject({ full: true, revoked: [] });
  });
});

test("a limit that is gone is sent as null until acknowledged, revocations likewise", () => {
  const gateway = newGateway();
  const pod = new FakePod("a", 1);
  rounds(gateway, [pod], 3, 0);
  gateway.apply({ ...noLimits(), tenants: new Map([["t", { perSecond: 7 }]]), revoked: ["ab"] });
  const expected = { full: false, tasks: { a: null }, revoked: ["ab"] };
  const lost = pod.report(gateway, 10_000) as Reply;
  expect(lost).toMatchObject(expected);
  expect(lost.tenants.t?.requestsPerSecond).toBeCloseTo(7, 1);
  const reply = pod.report(gateway, 11_000) as Reply;
  expect(reply).toMatchObject(expected);
  pod.generation = reply.generation;
  const next = pod.report(gateway, 12_000) as Reply;
  expect(next.revoked).toBeUndefined();
  expect("a" in next.tasks).toBe(false);
});

test("a burst that is defined anew is sent, once", () => {
  const gateway = newGateway();
  const pod = new FakePod("a", 1);
  const now = rounds(gateway, [pod], 3, 0);
  const spec = { perSecond: LIMIT, burst: 7, maxInFlight: CAP };
  gateway.apply({ ...noLimits(), tasks: new Map([["a", spec]]), revoked: [] });
  const reply = pod.report(gateway, now + 1000) as Reply;
  expect(reply.tasks.a?.burst).toBeCloseTo(7, 1);
  pod.apply(reply);
  expect(Object.keys((pod.report(gateway, now + 2000) as Reply).tasks)).toEqual([]);
});

test("a pod that misses very many limits that are gone is told everything", () => {
  const gateway = newGateway();
  const pod = new FakePod("a", 1);
  rounds(gateway, [pod], 3, 0);
  const many = Array.from({ length: 10_001 }, (_, i) => [`t${i}`, { perSecond: 1 }] as const);
  gateway.apply({ ...noLimits(), tasks: new Map(many), revoked: [] });
  setLimit(gateway, LIMIT);
  const reply = pod.report(gateway, 9000) as Reply;
  expect(reply.full).toBe(true);
  expect(Object.keys(reply.tasks)).toEqual(["a"]);
});

test("reports that come too often and pods that Kubernetes doesn't know are refused", () => {
  const gateway = newGateway();
  gateway.applyPods(["a"], 0);
  const pod = new FakePod("a", 1);
  pod.report(gateway, 1000);
  expect(pod.report(gateway, 1010)).toBe("report_too_frequent");
  expect(new FakePod("b", 1).report(gateway, 1000)).toBe("pod_unknown");
});
