import { pino } from "pino";
import { expect, test } from "vitest";
import { Gateway } from "../../../tools/servers/controller/gateway.ts";
import { noLimits } from "../../../tools/servers/controller/limit.ts";
import { Limits } from "../../../tools/servers/controller/limits.ts";
import { controllerMetrics } from "../../../tools/servers/controller/metrics.ts";
import { PROTOCOL_VERSION, report } from "../../../tools/servers/controller/protocol.ts";

function gateway(maxInFlight?: number): Gateway {
  let generation = 0;
  const made = new Gateway(() => ++generation);
  const limit = { perSecond: 100, ...(maxInFlight !== undefined && { maxInFlight }) };
  made.apply({ ...noLimits(), tasks: new Map([["a", limit]]), revoked: [] });
  return made;
}

const inFlight = (of: Gateway) => of.limits.tasks.get("a")?.requestsInFlight;

function send(to: Gateway, pod: string, now: number, tasks: object): void {
  const common = { apiVersion: PROTOCOL_VERSION, gateway: "ns/g", intervalMilliseconds: 1000 };
  to.report(report.parse({ ...common, pod, tasks }), now, false);
}

test.each([undefined, 8])("requests in flight are those of the pods' last reports, cap %s", (cap) => {
  const own = gateway(cap);
  for (let pod = 0; pod < 6; pod++) send(own, `p${pod}`, 0, { a: { admitted: 9, inFlight: pod } });
  expect(inFlight(own)).toBe(15);
  send(own, "p5", 1000, { a: { admitted: 9, inFlight: 1 } });
  expect(inFlight(own)).toBe(11);
});

test("a pod without traffic, or that is gone, has none", () => {
  const own = gateway();
  send(own, "p", 0, { a: { admitted: 9, inFlight: 4 } });
  send(own, "q", 0, { a: { admitted: 9, inFlight: 3 } });
  send(own, "p", 1000, {});
  expect(inFlight(own)).toBe(3);
  own.expire(10_000, 5000);
  expect(inFlight(own)).toBe(0);
});

test("only the leader tells them", async () => {
  const limits = new Limits({ log: pino({ level: "silent" }), hold: 0, silence: 5000 });
  const own = gateway();
  limits.entries = () => new Map([["ns/g", own]]);
  send(own, "p", 0, { a: { admitted: 9, inFlight: 4 } });
  const leadership = { isLeader: true };
  const { registry } = controllerMetrics(limits, leadership as never);
  const series = /^modelgate_controller_requests_in_flight\{.*\} 4$/m;
  expect(await registry.metrics()).toMatch(series);
  leadership.isLeader = false;
  expect(await registry.metrics()).not.toMatch(series);
  limits.stop();
});
