import { describe, expect, it } from "vitest";
import type { Vm } from "../../tools/lib/host/vm.ts";
import { count, header, request, SECOND, tickAll, type Workers, workers } from "../support/rate-limit-vms.ts";

const DAY = 86_400n * SECOND;

/** Sets the clocks to a time in UTC; as in a real process the monotonic one only goes on. */
function goTo({ process, vms }: Workers, time: string): void {
  const wall = BigInt(Date.parse(time)) * 1_000_000n;
  if (wall > process.wall) process.now += wall - process.wall;
  process.wall = wall;
  tickAll({ process, vms });
}

function at(time: string, limit: object, others: object = {}): Workers {
  const set = workers(2, { tasks: [{ taskid: "1", ...limit }], ...others });
  set.process.wall = BigInt(Date.parse(time)) * 1_000_000n;
  return set;
}

describe("a window of a day or a month", () => {
  it("of a day begins at midnight in UTC, to the millisecond, and gives all at once", () => {
    const set = at("2027-03-01T12:00:00Z", { requestsPerDay: 20 });
    expect(count(set.vms, 50)).toBe(20);
    goTo(set, "2027-03-01T23:59:59.999Z");
    expect(count(set.vms, 50)).toBe(0);
    goTo(set, "2027-03-02T00:00:00Z");
    expect(count(set.vms, 50)).toBe(20);
    goTo(set, "2027-03-09T10:00:00Z");
    expect(count(set.vms, 50)).toBe(20);
  });

  it.each([
    ["2027-01-15T00:00:00Z", "2027-01-31T23:59:59.999Z", "2027-02-01T00:00:00Z"],
    ["2027-02-15T00:00:00Z", "2027-02-28T23:59:59.999Z", "2027-03-01T00:00:00Z"],
    ["2028-02-15T00:00:00Z", "2028-02-29T23:59:59.999Z", "2028-03-01T00:00:00Z"],
    ["2027-12-15T00:00:00Z", "2027-12-31T23:59:59.999Z", "2028-01-01T00:00:00Z"],
    ["2100-02-15T00:00:00Z", "2100-02-28T23:59:59.999Z", "2100-03-01T00:00:00Z"],
  ])("of a month that has %s ends at %s and not before", (begin, last, next) => {
    const set = at(begin, { requestsPerMonth: 30 });
    expect(count(set.vms, 50)).toBe(30);
    goTo(set, last);
    expect(count(set.vms, 50)).toBe(0);
    goTo(set, next);
    expect(count(set.vms, 50)).toBe(30);
  });

  it("every month of 400 years begins on its first day", () => {
    const set = at("2026-12-31T23:59:59.999Z", { requestsPerMonth: 1 });
    expect(count(set.vms, 2)).toBe(1);
    for (let month = 0; month < 12 * 400; month += 7) {
      const first = Date.UTC(2027, month);
      set.process.wall = BigInt(first - 1) * 1_000_000n;
      set.process.now += SECOND;
      count(set.vms, 1);
      expect([new Date(first).toISOString(), count(set.vms, 1)]).toEqual([new Date(first).toISOString(), 0]);
      set.process.wall = BigInt(first) * 1_000_000n;
      set.process.now += SECOND;
      expect([new Date(first).toISOString(), count(set.vms, 2)]).toEqual([new Date(first).toISOString(), 1]);
    }
  });

  it("stands beside windows that fill all the time", () => {
    const set = at("2027-03-01T23:59:58Z", { requestsPerSecond: 10, requestsPerDay: 15 });
    expect(count(set.vms, 50)).toBe(10);
    goTo(set, "2027-03-01T23:59:59Z");
    expect(count(set.vms, 50)).toBe(5);
    goTo(set, "2027-03-02T00:00:00Z");
    expect(count(set.vms, 50)).toBe(10);
  });

  it("is not begun anew by a clock that is set back", () => {
    const set = at("2027-03-02T00:00:01Z", { requestsPerDay: 5, requestsPerMonth: 8 });
    expect(count(set.vms, 9)).toBe(5);
    goTo(set, "2027-03-01T23:59:59Z");
    expect(count(set.vms, 9)).toBe(0);
    goTo(set, "2027-03-02T00:00:02Z");
    expect(count(set.vms, 9)).toBe(0);
    goTo(set, "2027-03-03T00:00:00Z");
    expect(count(set.vms, 9)).toBe(3);
  });

  it("keeps the debt of what cost more than was left", () => {
    const cost = { header: "x-cost" };
    const set = at("2027-03-01T00:00:00Z", { requestsPerDay: 10, cost });
    const [vm] = set.vms as [Vm];
    const ask = (tokens: number) => request(vm, { taskid: "1", "x-cost": String(tokens) }).reply?.status;
    expect(ask(14)).toBeUndefined();
    goTo(set, "2027-03-02T00:00:00Z");
    expect([ask(7), ask(6)]).toEqual([429, undefined]);
  });

  it("says in a refusal when the next one begins", () => {
    const set = at("2027-02-01T18:00:00Z", { requestsPerDay: 1, requestsPerMonth: 100 });
    const [vm] = set.vms as [Vm];
    expect(request(vm, { taskid: "1" }).reply).toBeUndefined();
    const refused = request(vm, { taskid: "1" });
    expect(header(refused, "retry-after")).toBe("21600");
    expect(header(refused, "ratelimit-policy")).toBe('"task-day";q=1;w=86400, "task-month";q=100;w=2419200');
    expect(header(refused, "ratelimit")).toBe('"task-day";r=0;t=21600');
  });

  it("holds for keys of descriptors, tenants and credentials too", () => {
    const set = at(
      "2027-03-01T00:00:00Z",
      { mode: "off" },
      {
        tenants: [{ tenant: "search", requestsPerMonth: 3 }],
        descriptors: [{ name: "user", header: "x-user", requestsPerDay: 1 }],
      },
    );
    const [vm] = set.vms as [Vm];
    const ask = (user: string) =>
      request(vm, { taskid: "1", "x-user": user }, { "modelgate.principal": "search\nx" }).reply?.details;
    expect(["a", "a", "b", "c", "d"].map(ask)).toEqual([
      undefined,
      "descriptor_rate_limited",
      undefined,
      undefined,
      "tenant_rate_limited",
    ]);
    goTo(set, "2027-03-02T00:00:00Z");
    expect(["a"].map(ask)).toEqual(["tenant_rate_limited"]);
    goTo(set, "2027-04-01T00:00:00Z");
    expect(["a", "a"].map(ask)).toEqual([undefined, "descriptor_rate_limited"]);
  });
});

describe("responses say what is left", () => {
  const answer = (vm: Vm, status = "200") => {
    const stream = vm.open({ taskid: "1" }, true, { "modelgate.principal": "search\nx" });
    stream.respond([[":status", status]], Buffer.from("{}"));
    const headers = Object.fromEntries(stream.responseHeaders);
    stream.close();
    return [headers["ratelimit-policy"], headers.ratelimit];
  };

  it("where it is switched on", () => {
    const limits = {
      headers: true,
      tasks: [{ taskid: "1", requestsPerSecond: 2, burst: 4, requestsPerDay: 100 }],
      tenants: [{ tenant: "search", requestsPerMinute: 60 }],
    };
    const set = workers(1, limits);
    set.process.wall = BigInt(Date.parse("2027-03-01T23:00:00Z")) * 1_000_000n;
    const [vm] = set.vms as [Vm];
    const policies = '"tenant-minute";q=60;w=60, "task-second";q=2;w=1, "task-day";q=100;w=86400';
    expect(answer(vm)).toEqual([policies, '"tenant-minute";r=59;t=1, "task-second";r=3;t=1']);
    expect(answer(vm)).toEqual([policies, '"tenant-minute";r=58;t=2, "task-second";r=2;t=1']);
    set.process.now += DAY;
    expect(answer(vm, "404")).toEqual([policies, '"tenant-minute";r=59;t=1, "task-second";r=3;t=1']);
  });

  it("and not otherwise, nor where nothing limits the request", () => {
    const off = workers(1, { tasks: [{ taskid: "1", requestsPerSecond: 2 }] }).vms[0] as Vm;
    expect(answer(off)).toEqual([undefined, undefined]);
    const none = workers(1, { headers: true, tasks: [{ taskid: "2", requestsPerSecond: 2 }] }).vms[0] as Vm;
    expect(answer(none)).toEqual([undefined, undefined]);
  });
});

it.each([
  ["requestsPerDay", 0.5],
  ["requestsPerMonth", 0],
])("%s of %d is refused", (field, value) => {
  expect(() => workers(1, { tasks: [{ taskid: "1", [field]: value }] })).toThrow(/must be at least 1/);
});
