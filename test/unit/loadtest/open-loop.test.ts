import { describe, expect, it } from "vitest";
import { percentile } from "../../../tools/serving/loadtest/histogram.ts";
import { constantRate, openLoop } from "../../../tools/serving/loadtest/open-loop.ts";
import { breaches, formatSlo, parseSlo } from "../../../tools/serving/loadtest/slo.ts";
import {
  type Connection,
  NO_REPLY,
  type PreparedRequest,
} from "../../../tools/serving/model-client/connection.ts";
import { GrpcConnection } from "../../../tools/serving/model-client/grpc-connection.ts";
import { pace } from "../../support/pace.ts";

const request: PreparedRequest = {
  protocol: "grpc",
  method: "POST",
  path: "/",
  headers: {},
  payload: NO_REPLY,
};
const OK = { ok: true, code: 0, reason: "", mayPass: false, reply: NO_REPLY };
const FAILED = { ...OK, ok: false, code: 14, reason: "gone" };

/** A server that answers at once, but nothing between two moments, milliseconds since its start. */
function stalling(from: number, to: number): Connection & { sent: number } {
  const start = performance.now();
  return {
    sent: 0,
    async send() {
      this.sent++;
      const now = performance.now() - start;
      if (now >= from && now < to) await pace(to - now);
      return OK;
    },
    close() {},
  };
}

describe("open-loop load", () => {
  it("charges a stall for all requests that came meanwhile", async () => {
    const connection = stalling(200, 700);
    const { sent, latencies } = await openLoop({
      ...{ connection, requests: [request], timeoutMs: 5000, schedule: constantRate(200, 1) },
    });
    // A client that waits for each answer would have one slow request of the 100 that were due.
    expect(sent).toBe(200);
    expect(percentile(latencies, 90)).toBeGreaterThan(350);
    expect(percentile(latencies, 60)).toBeGreaterThan(50);
  });

  it("charges requests that are sent late from when they were due", async () => {
    const late = [...Array(10).keys()].map(() => 0);
    const connection = stalling(0, 0);
    function* blocked() {
      yield 0;
      const until = performance.now() + 100;
      while (performance.now() < until);
      yield* late;
    }
    const { latencies, lateness } = await openLoop({
      connection,
      requests: [request],
      timeoutMs: 1000,
      schedule: blocked(),
    });
    expect(percentile(latencies, 50)).toBeGreaterThanOrEqual(95);
    expect(percentile(lateness, 50)).toBeGreaterThanOrEqual(95);
  });

  it("counts failures by reason, and not in the latencies", async () => {
    let sent = 0;
    const connection: Connection = { send: async () => (sent++ % 4 === 0 ? FAILED : OK), close() {} };
    const result = await openLoop({
      connection,
      requests: [request],
      timeoutMs: 1000,
      schedule: constantRate(1000, 0.1),
    });
    expect([result.failed, result.latencies.count]).toEqual([25, 75]);
    expect(result.failures).toEqual(new Map([["gone", 25]]));
  });

  it("ends when it is told to, and waits for what is under way", async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const connection = stalling(0, 150);
    const { sent, latencies } = await openLoop({
      ...{
        connection,
        requests: [request],
        timeoutMs: 1000,
        schedule: constantRate(100, 60),
        signal: stop.signal,
      },
    });
    expect(latencies.count).toBe(sent);
    expect(sent).toBeLessThan(50);
  });
});

it("a header that HTTP/2 has not is a failure", async () => {
  const connection = new GrpcConnection("http://127.0.0.1:1");
  const outcome = await connection.send({ ...request, headers: { connection: "close" } }, 1000);
  expect(outcome).toMatchObject({ ok: false, mayPass: false, reason: expect.stringContaining("connection") });
  connection.close();
});

describe("the objective", () => {
  it.each([
    ["p99=200ms", "p99=200ms,errors=0.1%"],
    ["p50=20ms, p99.9=1.5s, errors=1%", "p50=20ms,p99.9=1500ms,errors=1%"],
    ["ttft-p99=500ms,tpot-p90=40ms", "ttft-p99=500ms,tpot-p90=40ms,errors=0.1%"],
  ])("%s", (text, formatted) => {
    expect(formatSlo(parseSlo(text))).toBe(formatted);
  });

  it.each([
    "",
    "errors=1%",
    "p99",
    "p99=200",
    "p101=1s",
    "p0=1s",
    "q=1ms",
    "ttft=1s",
    "itl-p99=1s",
    "p99=200ms,",
  ])("refuses %j", (text) => {
    expect(() => parseSlo(text)).toThrow(/must/);
  });

  it.each(["0.07", "0.0000001", "0", "100"])("of %s %% is written as it was read", (errors) => {
    const text = `p99=200ms,errors=${errors}%`;
    expect(formatSlo(parseSlo(text))).toBe(text);
  });

  it("says why most failed", async () => {
    const connection: Connection = { send: async () => FAILED, close() {} };
    const load = { connection, requests: [request], timeoutMs: 1000, schedule: [0] };
    expect(breaches(parseSlo("p99=1s"), await openLoop(load))).toEqual(["errors 100.00 % > 0.1 % (gone)"]);
  });

  it("says what was broken", async () => {
    const connection: Connection = { send: async () => FAILED, close() {} };
    const result = await openLoop({
      connection,
      requests: [request],
      timeoutMs: 10,
      schedule: constantRate(100, 0.05),
    });
    expect(breaches(parseSlo("p99=1ms"), result)).toEqual(["errors 100.00 % > 0.1 % (gone)"]);
    result.latencies.record(5000);
    expect(breaches(parseSlo("p99=1ms,errors=100%"), result)).toEqual(["p99 5.0 ms > 1 ms"]);
  });
});
