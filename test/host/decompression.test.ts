import { randomBytes } from "node:crypto";
import { constants, deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { CONTINUE } from "../../tools/lib/host/stream.ts";
import { Vm } from "../../tools/lib/host/vm.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { authConfig, KEY, signed } from "../support/auth.ts";

const LIMITS = { maxBytes: 4_000_000, maxRatio: 50 };
const FREE_BYTES = 1_048_576;

let vm: Vm;
beforeAll(() => {
  vm = started(LIMITS);
});

function started(decompression?: object): Vm {
  const made = new Vm(modulePath("gateway"));
  const config = {
    tenantAuth: authConfig,
    ...{ rateLimit: {}, protocolConversion: { tasks: [{ taskid: "search-json" }] }, accessLog: {} },
    ...(decompression && { decompression }),
  };
  expect(made.configure(config), made.logs.at(-1)).toBe(true);
  return made;
}

interface Got {
  reason?: string | undefined;
  status?: number | undefined;
  headers: Record<string, string>;
  body: Buffer;
}

function send(body: Uint8Array, coding: string, chunkSize = body.length || 1, more = {}, of = vm): Got {
  const stream = of.open(
    {
      ...{ ":method": "POST", ":path": "/any", "x-api-key": KEY, taskid: "search-a" },
      ...{ "content-encoding": coding, "content-length": String(body.length), ...more },
    },
    false,
  );
  const passed = stream.reply ? new Uint8Array() : stream.sendRequestBody(body, chunkSize);
  const { reply } = stream;
  stream.close();
  return {
    ...{ status: reply?.status, reason: reply && JSON.parse(reply.body).reason, body: Buffer.from(passed) },
    headers: Object.fromEntries(stream.requestHeaders),
  };
}

/** So many digits, of which none tells the next. */
const digits = (size: number) => Buffer.from(randomBytes(size).map((byte) => 48 + (byte % 10)));
const text = Buffer.from(JSON.stringify({ data: Array.from({ length: 5000 }, (_, i) => i * 1.5) }));

describe("a body in gzip or deflate becomes what it was", () => {
  it.each<[string, Uint8Array, string]>([
    ["gzip", gzipSync(text), "gzip"],
    ["x-gzip, in capitals", gzipSync(text), "X-GZIP"],
    ["deflate", deflateSync(text), "deflate"],
    ["stored", gzipSync(text, { level: 0 }), "gzip"],
    ["fixed codes", deflateSync(text, { strategy: constants.Z_FIXED }), "deflate"],
    [
      "two gzip members",
      Buffer.concat([gzipSync(text.subarray(0, 99)), gzipSync(text.subarray(99))]),
      "gzip",
    ],
    ["an empty text", gzipSync(""), "gzip"],
    ["name, comment, extra field", withHeaderFields(gzipSync(text)), "gzip"],
  ])("%s", (_name, body, coding) => {
    for (const chunkSize of [1, 7, 1000, body.length]) {
      const got = send(body, coding, chunkSize);
      expect(got.reason).toBeUndefined();
      expect(got.headers).not.toHaveProperty("content-encoding");
      expect(got.headers).not.toHaveProperty("content-length");
      const wanted = body.length < 30 ? Buffer.alloc(0) : text;
      expect(got.body.equals(wanted)).toBe(true);
    }
  });

  it("any text, however it is compressed and cut", () => {
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 3000 }),
      fc
        .record({
          unit: fc.uint8Array({ minLength: 1, maxLength: 300 }),
          times: fc.integer({ min: 1, max: 500 }),
        })
        .map(({ unit, times }) => Buffer.concat(Array.from({ length: times }, () => unit))),
      fc.integer({ min: 1, max: 40_000 }).map((length) => digits(length)),
    );
    const how = fc.record({
      gzip: fc.boolean(),
      level: fc.integer({ min: 0, max: 9 }),
      strategy: fc.constantFrom(0, 1, 2, 3, 4),
      memLevel: fc.integer({ min: 1, max: 9 }),
      chunkSize: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20_000 })),
    });
    fc.assert(
      fc.property(content, how, (bytes, { gzip, chunkSize, ...options }) => {
        const body = gzip ? gzipSync(bytes, options) : deflateSync(bytes, options);
        const got = send(body, gzip ? "gzip" : "deflate", chunkSize);
        expect(got.reason).toBeUndefined();
        expect(got.body.equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

it("takes of damaged bodies what zlib takes, and refuses the others", () => {
  const bodies = [1, 9].flatMap((level) => [
    { coding: "gzip", body: gzipSync(text.subarray(0, 700), { level }), decode: gunzipSync },
    { coding: "deflate", body: deflateSync(text.subarray(0, 700), { level }), decode: inflateSync },
    { coding: "deflate", body: deflateSync(Buffer.alloc(2000, "ab"), { strategy: 4 }), decode: inflateSync },
  ]);
  let refused = 0;
  for (const { coding, body, decode } of bodies) {
    for (let at = 0; at < body.length; at++) {
      for (const bit of [1, 64]) {
        const damaged = Buffer.from(body);
        damaged[at] = (damaged[at] ?? 0) ^ bit;
        let wanted: Buffer | undefined;
        try {
          const { buffer, engine } = decode(damaged, { info: true }) as unknown as {
            buffer: Buffer;
            engine: { bytesWritten: number };
          };
          // What follows the end zlib leaves alone.
          if (engine.bytesWritten === damaged.length) wanted = buffer;
        } catch {}
        const got = send(damaged, coding, 1 + (at % 50));
        if (wanted)
          expect([at, bit, got.reason, got.body.equals(wanted)]).toEqual([at, bit, undefined, true]);
        else {
          expect([at, bit, got.status, got.reason]).toEqual([at, bit, 400, "encoded_body_malformed"]);
          refused++;
        }
      }
    }
  }
  expect(refused).toBeGreaterThan(1000);
});

it.each<[string, Uint8Array, string]>([
  ["cut", gzipSync(text).subarray(0, -1), "gzip"],
  ["cut before its checksum", gzipSync(text).subarray(0, -8), "gzip"],
  ["without anything", Buffer.alloc(0), "gzip"],
  ["followed by something", Buffer.concat([gzipSync(text), Buffer.from("x")]), "gzip"],
  ["followed by something", Buffer.concat([deflateSync(text), Buffer.from("x")]), "deflate"],
  ["no gzip", text, "gzip"],
  ["no zlib", text, "deflate"],
  ["gzip that is called deflate", gzipSync(text), "deflate"],
])("refuses a body %s", (_name, body, coding) => {
  expect(send(body, coding)).toMatchObject({ status: 400, reason: "encoded_body_malformed" });
});

describe("a bomb", () => {
  const zeros = (size: number) => gzipSync(Buffer.alloc(size));

  it("is refused for its ratio, beyond what any body may have", () => {
    expect(send(zeros(FREE_BYTES), "gzip").reason).toBeUndefined();
    for (const chunkSize of [100, 100_000])
      expect(send(zeros(2 * FREE_BYTES), "gzip", chunkSize)).toMatchObject({
        ...{ status: 413, reason: "decompressed_too_large" },
      });
  });

  it("is refused for its size", () => {
    expect(send(gzipSync(digits(LIMITS.maxBytes)), "gzip").reason).toBeUndefined();
    expect(send(gzipSync(digits(LIMITS.maxBytes + 1)), "gzip", 65_536)).toMatchObject({
      ...{ status: 413, reason: "decompressed_too_large" },
    });
  });

  it("takes no more memory than its limit, a hundred times over", () => {
    const bomb = zeros(1_000_000_000 / 4);
    send(bomb, "gzip");
    const before = vm.exports.memory.buffer.byteLength;
    for (let i = 0; i < 100; i++) expect(send(bomb, "gzip", 16_384).status).toBe(413);
    expect(vm.exports.memory.buffer.byteLength).toBe(before);
  });
});

it("bodies on their way keep little more than what copies may reach", () => {
  const of = started({ maxBytes: 8_000_000, maxRatio: 50 });
  const body = gzipSync(digits(1_000_000));
  const begun = () => {
    const headers = { ":method": "POST", ":path": "/any", "x-api-key": KEY, taskid: "search-a" };
    const stream = of.open({ ...headers, "content-encoding": "gzip" }, false);
    stream.sendRequestBody(body.subarray(0, -8), body.length, false);
    return stream;
  };
  const streams = Array.from({ length: 60 }, begun);
  expect(of.exports.memory.buffer.byteLength).toBeLessThan(16_000_000);
  for (const stream of streams) stream.close();
});

it("converts what it decompressed, whatever is held meanwhile", () => {
  const json = JSON.stringify({ inputs: [{ name: "x", shape: [3], datatype: "INT32", data: [1, 2, 3] }] });
  const path = { ":path": "/v2/models/m/infer", taskid: "search-json" };
  const body = deflateSync(json);
  const whole = send(body, "deflate", body.length, path);
  expect(whole.reason).toBeUndefined();
  expect(whole.body.length).toBeGreaterThan(20);
  for (const chunkSize of [1, 5])
    expect(send(body, "deflate", chunkSize, path).body.equals(whole.body)).toBe(true);
});

it("trailers end a body as well", () => {
  const headers = { ":method": "POST", ":path": "/any", "x-api-key": KEY, taskid: "search-a" };
  const end = (body: Uint8Array) => {
    const stream = vm.open({ ...headers, "content-encoding": "gzip" }, false);
    const passed = stream.sendRequestBody(body, 50, false);
    stream.endRequest();
    return { passed: Buffer.from(passed), action: stream.action, reason: stream.reply?.details };
  };
  expect(end(gzipSync(text))).toMatchObject({ action: CONTINUE, reason: undefined });
  expect(end(gzipSync(text)).passed.equals(text)).toBe(true);
  expect(end(gzipSync(text).subarray(0, -1))).toMatchObject({ reason: "encoded_body_malformed" });
});

it("a signed body's digest is that of the bytes that were sent (RFC 9530)", () => {
  const body = gzipSync(text).toString("latin1");
  // Its clock stands where it was made, and a signature is good for some seconds.
  const fresh = started(LIMITS);
  for (const sent of [body, `${body.slice(0, -1)}!`]) {
    const { headers } = signed({
      headers: [
        ["taskid", "666"],
        ["content-encoding", "gzip"],
      ],
      body: Buffer.from(body, "latin1") as never,
    });
    const stream = fresh.open(
      [[":method", "POST"], [":path", "/v2/models/m/infer"], [":authority", "gateway.example"], ...headers],
      false,
    );
    const passed = stream.sendRequestBody(Buffer.from(sent, "latin1"), 40);
    if (sent === body) expect(Buffer.from(passed).equals(text)).toBe(true);
    else expect(stream.reply?.details).toBe("digest_wrong");
  }
});

it.each([
  ["br", {}],
  ["gzip, gzip", {}],
  ["identity", {}],
  ["gzip", { "content-type": "application/grpc" }],
])("leaves %s with %j as it is", (coding, more) => {
  const got = send(text, coding, text.length, more);
  expect(got.headers["content-encoding"]).toBe(coding);
  expect(got.body.equals(text)).toBe(true);
});

it("leaves bodies alone where it is not switched on", () => {
  const off = started();
  const body = gzipSync(text);
  expect(send(body, "gzip", body.length, {}, off).body.equals(body)).toBe(true);
  const path = { ":path": "/v2/models/m/infer", taskid: "search-json" };
  expect(send(body, "gzip", body.length, path, off)).toMatchObject({
    status: 415,
    reason: "content_encoding",
  });
});

it.each([
  [{ maxBytes: 0 }, "decompression.maxBytes: must be at least 1"],
  [{ maxBytes: 2 ** 30 + 1 }, "decompression.maxBytes: must be at most 1073741824"],
  [{ maxRatio: 1033 }, "decompression.maxRatio: must be at most 1032"],
])("refuses the configuration %j", (decompression, message) => {
  const own = new Vm(modulePath("gateway"));
  const config = {
    tenantAuth: authConfig,
    rateLimit: {},
    protocolConversion: {},
    accessLog: {},
    decompression,
  };
  expect(own.configure(config)).toBe(false);
  expect(own.logs.at(-1)).toContain(message);
});

/** The same gzip text with the optional fields of its header (RFC 1952, section 2.3.1). */
function withHeaderFields(gzip: Buffer): Buffer {
  const head = Buffer.from(gzip.subarray(0, 10));
  head[3] = 4 | 8 | 16;
  return Buffer.concat([
    head,
    Buffer.from([3, 0, 1, 2, 3]),
    Buffer.from("name\0comment\0"),
    gzip.subarray(10),
  ]);
}
