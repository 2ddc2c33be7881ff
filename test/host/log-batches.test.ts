import { beforeEach, describe, expect, it } from "vitest";
import { decodeBatch } from "../../tools/lib/access-log/decode-batch.ts";
import { HostProcess } from "../../tools/lib/host/process.ts";
import type { Stream } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import type { Callout } from "../../tools/lib/host/vm-state.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

const SECOND = 1_000_000_000n;
const BLOCK = 32 * 1024;

let process: HostProcess;
beforeEach(() => {
  process = new HostProcess();
});

function start(collector: object = {}, config: object = {}): Vm {
  const vm = new Vm(modulePath("access-log"), process);
  const accessLog = { ...config, collector: { cluster: "collector", ...collector } };
  expect(vm.configure({ accessLog }), vm.logs.at(-1)).toBe(true);
  return vm;
}

/** Envoy's part of what a stream was. */
function finish(stream: Stream, properties: Record<string, bigint | string> = {}): void {
  const known = {
    "response.code": 200n,
    "response.flags": 0n,
    "request.duration": 5_000_000n,
    ...properties,
  };
  for (const [name, value] of Object.entries(known)) stream.properties.set(name.replaceAll(".", "\0"), value);
  stream.close();
}

function request(vm: Vm, id: string, properties?: Record<string, bigint | string>): void {
  finish(vm.open({ ":path": "/x", "x-request-id": id }, true), properties);
}

function tick(vm: Vm, seconds = 1): void {
  process.now += BigInt(seconds) * SECOND;
  vm.tick();
}

/** The lines of the oldest batch on its way. */
function lines(vm: Vm): Record<string, unknown>[] {
  const { body } = vm.callouts[0] as { body: string };
  expect(body.endsWith("\n")).toBe(true);
  return body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const counter = (name: string) => process.counters.get(`modelgate.log.${name}`) ?? 0;
const queued = () => [...process.queues.values()].flat().reduce((sum, { length }) => sum + length, 0);

describe("a line", () => {
  it("has all that Envoy knows, too", () => {
    process.properties.set("xds\0node\0id", "router~10.0.0.1~pod-1.edge~edge.svc.cluster.local");
    const vm = start();
    const stream = vm.open(
      { ":method": "POST", ":path": "/v2/models/m", "content-type": "application/grpc" },
      true,
    );
    stream.responseHeaders = [["x-envoy-upstream-service-time", "7"]];
    finish(stream, {
      "request.time": BigInt(Date.UTC(2026, 0, 31, 12, 0, 0, 123)) * 1_000_000n,
      "request.duration": 12_999_999n,
      "request.protocol": "HTTP/2",
      "response.code": 503n,
      "response.flags": 0b100_0000_0010_0000n,
      "response.code_details": 'reset{"x"}',
      "response.grpc_status": 14n,
      "request.size": 100n,
      "response.size": 2n ** 40n,
      "source.address": "10.1.1.1:5",
      "destination.address": "10.0.0.1:8866",
      "upstream.address": "10.2.2.2:9",
    });
    tick(vm);
    expect(lines(vm)).toEqual([
      {
        start_time: "2026-01-31T12:00:00.123Z",
        duration: 12,
        protocol: "HTTP/2",
        response_code: 503,
        response_flags: "UF,DC",
        response_code_details: 'reset{"x"}',
        grpc_status: "Unavailable",
        bytes_received: 100,
        bytes_sent: 2 ** 40,
        downstream_local_address: "10.0.0.1:8866",
        downstream_remote_address: "10.1.1.1:5",
        upstream_host: "10.2.2.2:9",
        upstream_time: 7,
        hostname: "pod-1",
        method: "POST",
        path: "/v2/models/m",
        model: "m",
        decision: "allowed",
      },
    ]);
    expect(vm.callouts[0]).toMatchObject({ cluster: "collector", timeoutMs: 5000 });
    expect(Object.fromEntries(vm.callouts[0]?.headers ?? [])).toMatchObject({
      ":method": "POST",
      ":path": "/v1/logs",
      "content-type": "application/x-ndjson",
    });
  });

  it("holds an upstream time only if it is a number", () => {
    const vm = start();
    const stream = vm.open({}, true);
    stream.responseHeaders = [["x-envoy-upstream-service-time", '1","x']];
    finish(stream);
    tick(vm);
    expect(lines(vm)[0]).not.toHaveProperty("upstream_time");
    expect(lines(vm)[0]?.response_flags).toBe("-");
  });
});

describe("batches", () => {
  it("hold the lines of all VMs, each once, sent by one of them", () => {
    const vms = [start(), start(), start()];
    for (let i = 0; i < 3000; i++) request(vms[i % 3] as Vm, `id-${i}`);
    for (const vm of vms) tick(vm, 0);
    const got: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      process.now += SECOND;
      for (const vm of vms) tick(vm, 0);
      const sending = vms.filter(({ callouts }) => callouts.length > 0);
      expect(sending.length).toBeLessThanOrEqual(1);
      for (const vm of sending) {
        while (vm.callouts.length > 0) {
          got.push(...lines(vm).map(({ request_id }) => request_id));
          vm.answerCallout(200);
        }
      }
    }
    expect(got.length).toBe(3000);
    expect(new Set(got).size).toBe(3000);
    expect([counter("sent"), counter("dropped"), queued()]).toEqual([3000, 0, 0]);
  });

  it("another VM sends when the one that did is gone", () => {
    const [first, second] = [start(), start()];
    request(first, "a");
    tick(first);
    first.answerCallout(200);
    request(second, "b");
    tick(second, 0);
    expect(second.callouts).toEqual([]);
    tick(second, 3);
    expect(lines(second)).toMatchObject([{ request_id: "b" }]);
  });

  it.each([0, 401, 408, 429, 500, 503])("are sent again after %d, each pause twice the last", (status) => {
    const vm = start();
    request(vm, "a");
    const waits: number[] = [];
    for (let attempt = 0; attempt < 8; attempt++) {
      let waited = 0;
      while (vm.callouts.length === 0) {
        tick(vm);
        waited++;
      }
      waits.push(waited);
      expect(lines(vm)).toMatchObject([{ request_id: "a" }]);
      vm.answerCallout(status);
    }
    expect(waits).toEqual([1, 1, 2, 4, 8, 16, 32, 32]);
    tick(vm, 33);
    vm.answerCallout(204);
    tick(vm);
    expect([vm.callouts.length, counter("sent"), counter("failures"), counter("dropped")]).toEqual([
      0, 1, 8, 0,
    ]);
  });

  it("prove the gateway by its token", () => {
    const vm = start({ token: "s3cret" });
    request(vm, "a");
    tick(vm);
    expect(vm.callouts[0]?.headers).toContainEqual(["authorization", "Bearer s3cret"]);
  });

  it("are dropped, and counted, when the collector will never take them", () => {
    const vm = start();
    request(vm, "a");
    request(vm, "b");
    tick(vm);
    vm.answerCallout(400);
    tick(vm);
    expect([vm.callouts.length, counter("sent"), counter("dropped")]).toEqual([0, 0, 2]);
  });

  it("keep to their bound while the collector hangs, and count what they drop", () => {
    const vm = start({ maxQueueBytes: 4 * BLOCK });
    const total = 20_000;
    for (let i = 0; i < total; i++) {
      request(vm, `id-${i}`);
      if (i % 1000 === 0) tick(vm);
    }
    expect(vm.callouts.length).toBe(1);
    expect(queued()).toBeLessThanOrEqual(4 * BLOCK);
    const memory = vm.memoryBytes;
    for (let i = 0; i < total; i++) request(vm, `later-${i}`);
    expect(vm.memoryBytes).toBe(memory);
    tick(vm);
    while (vm.callouts.length > 0) vm.answerCallout(200);
    tick(vm);
    expect(counter("dropped")).toBeGreaterThan(total);
    expect(counter("sent") + counter("dropped")).toBe(2 * total);
    request(vm, "after");
    tick(vm);
    expect(lines(vm)).toMatchObject([{ request_id: "after" }]);
  });

  it("are at most a mebibyte each, one after the other", () => {
    const vm = start();
    for (let i = 0; i < 40_000; i++) request(vm, `id-${i}`);
    tick(vm);
    const sizes: number[] = [];
    while (vm.callouts.length > 0) {
      sizes.push(vm.callouts[0]?.bodyBytes.length as number);
      vm.answerCallout(200);
    }
    expect(sizes.length).toBeGreaterThan(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    expect(counter("sent")).toBe(40_000);
  });

  it("go on to the VMs that come after", () => {
    const old = start();
    request(old, "sent");
    tick(old);
    request(old, "gathered");
    old.exports.proxy_on_delete(1);
    const next = start();
    tick(next, 3);
    expect(lines(next).map(({ request_id }) => request_id)).toEqual(["gathered", "sent"]);
  });
});

it("are protobuf of the same lines where that is wanted", () => {
  const bodies = ["json", "protobuf"].map((format) => {
    process = new HostProcess();
    process.properties.set("xds\0node\0id", "pod-1");
    const vm = start({ format });
    const headers: [string, string][] = [
      [":method", "POST"],
      [":path", "/v2/models/é/infer"],
      ["user-agent", "😀".repeat(300)],
      ["traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ];
    for (let i = 0; i < 3; i++) {
      const stream = vm.open([...headers, ["x-request-id", `id-${i}`]], true);
      stream.responseHeaders = [["x-envoy-upstream-service-time", "300"]];
      finish(stream, { "request.time": 1_769_860_800_123_000_000n, "response.size": 2n ** 40n });
    }
    tick(vm);
    return vm.callouts[0] as Callout;
  });
  const [json, protobuf] = bodies as [Callout, Callout];
  expect(Object.fromEntries(protobuf.headers)["content-type"]).toBe("application/x-protobuf");
  const wanted = json.body
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as object);
  expect(wanted.length).toBe(3);
  expect([...decodeBatch(Buffer.from(protobuf.bodyBytes))]).toEqual(wanted);
  expect(protobuf.bodyBytes.length).toBeLessThan(json.bodyBytes.length);
});

it("decoding says that garbage is no batch", () => {
  expect(() => [...decodeBatch(Buffer.from("no protobuf"))]).toThrow();
});

it("decoding leaves out a time that is none", () => {
  // Batch.lines of 12 bytes: start_time, 2^63 - 1 milliseconds; duration, 1.
  const line = [0x08, ...Array(8).fill(0xff), 0x7f, 0x10, 0x01];
  expect([...decodeBatch(Buffer.from([0x0a, line.length, ...line]))]).toMatchObject([{ duration: 1 }]);
});

describe("sampling", () => {
  const hex = (number: number) => number.toString(16).padStart(8, "0");
  const id = (number: number) => `${hex(number)}-6c1b-4f5e-9d8e-0123456789ab`;

  function kept(sample: object, requests: [string, Record<string, bigint>?][]): unknown[] {
    process = new HostProcess();
    const vm = start({ sample });
    for (const [requestId, properties] of requests) request(vm, requestId, properties);
    tick(vm);
    return vm.callouts.length > 0 ? lines(vm).map(({ request_id }) => request_id) : [];
  }

  it("is by request id, the same on each hop", () => {
    const ids = Array.from({ length: 2000 }, (_, i) => id((i * 2654435761) % 2 ** 32));
    const wanted = ids.filter((each) => Number.parseInt(each.slice(0, 8), 16) % 1_000_000 < 250_000);
    expect(wanted.length).toBeGreaterThan(400);
    const requests = ids.map((each): [string] => [each]);
    expect(kept({ ratio: 0.25 }, requests)).toEqual(wanted);
    expect(kept({ ratio: 0.25 }, requests)).toEqual(wanted);
  });

  it("is by trace id where there is one, the same on each hop", () => {
    const trace = (bits: string, rest = "-00f067aa0ba902b7-01") => `00-4bf92f3577b34da6a3${bits}${rest}`;
    const first = id(0);
    const last = id(999_999);
    const requests: [string, string][] = [
      [last, trace("c0000000000000")],
      [last, trace("bfffffffffffff")],
      [first, trace("bfffffffffffff")],
      [first, trace("ffffffffffffff", "-00f067aa0ba902b7-00")],
      // No traceparent: the request id decides.
      [first, trace("00000000000000", "")],
      [last, trace("ffffffffffffff", "-00f067aa0ba902b7")],
      [last, trace("FFFFFFFFFFFFFF")],
    ];
    process = new HostProcess();
    const vm = start({ sample: { ratio: 0.25 } });
    requests.forEach(([requestId, traceparent], index) => {
      finish(vm.open({ ":path": `/${index}`, "x-request-id": requestId, traceparent }, true));
    });
    tick(vm);
    expect(lines(vm).map(({ path }) => path)).toEqual(["/0", "/3", "/4"]);
  });

  it("keeps every error and all that is slow", () => {
    const dropped = id(999_999);
    const requests: [string, Record<string, bigint>?][] = [
      [dropped],
      [dropped, { "response.code": 399n }],
      [dropped, { "request.duration": 99_999_999n }],
      [`${hex(999_999)}-400`, { "response.code": 400n }],
      [`${hex(999_999)}-flag`, { "response.code": 0n, "response.flags": 1n << 14n }],
      [`${hex(999_999)}-slow`, { "request.duration": 100_000_000n }],
    ];
    expect(kept({ ratio: 0, slowerThanMilliseconds: 100 }, requests)).toEqual(
      ["400", "flag", "slow"].map((what) => `${hex(999_999)}-${what}`),
    );
  });

  it("takes its part of requests without an id that is a number", () => {
    const requests = Array.from({ length: 20_000 }, (): [string] => ["none"]);
    const share = kept({ ratio: 0.01 }, requests).length / requests.length;
    expect(share).toBeGreaterThan(0.005);
    expect(share).toBeLessThan(0.015);
  });
});
