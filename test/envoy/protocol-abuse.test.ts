import { request as httpRequest } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type AbusedGateway, KEY, STRANGER, startAbusedGateway } from "../support/abused-gateway.ts";
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  kept,
  RawHttp2,
  repeated,
  TYPE,
} from "../support/raw-http2.ts";

/**
 * What no honest client sends, to the real Envoy with gateway.wasm. Each is answered clearly or its stream or connection ended; after each
 * the VM is the same one, the next honest request works, and nothing without a credential has reached a model.
 */

const CRLF = "\r\n";
let gateway: AbusedGateway;
let vms: string;

beforeAll(async () => {
  gateway = await startAbusedGateway();
  expect(await honest()).toBe(200);
  vms = await gateway.vmStats();
});
afterAll(() => gateway?.stop());

afterEach(async () => {
  expect(await honest()).toBe(200);
  expect(await gateway.vmStats()).toBe(vms);
  expect(gateway.reached.filter(({ headers }) => STRANGER in headers)).toEqual([]);
  expect(gateway.reached.filter(({ task, headers }) => task !== "666" || headers.taskid !== "666")).toEqual(
    [],
  );
});

async function honest(): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/x`, {
    method: "POST",
    headers: { "x-api-key": KEY, taskid: "666" },
    body: "{}",
  });
  await response.arrayBuffer();
  return response.status;
}

/** An HTTP/1.1 request as text; `lines` come behind the host's. */
const http1 = (lines: string[], body = "", start = "POST /x HTTP/1.1") =>
  [start, "host: gateway.example", ...lines, "", body].join(CRLF);
const WITH_KEY = [`x-api-key: ${KEY}`, "taskid: 666"];
const HIDDEN = http1(
  ["taskid: 666", `${STRANGER}: smuggled`, "content-length: 0"],
  "",
  "POST /smuggled HTTP/1.1",
);

describe("HTTP/1.1", () => {
  const length = (text: string | number) => `content-length: ${text}`;
  const CHUNKED = "transfer-encoding: chunked";
  /** Requests that two servers may read differently. What they hide would be a request of its own, without a credential. */
  it.each<[string, string]>([
    ["content-length and chunked", http1([...WITH_KEY, length(4), CHUNKED], `0${CRLF}${CRLF}${HIDDEN}`)],
    [
      "chunked and content-length",
      http1([...WITH_KEY, CHUNKED, length(HIDDEN.length)], `0${CRLF}${CRLF}${HIDDEN}`),
    ],
    ["two lengths", http1([...WITH_KEY, length(0), length(HIDDEN.length)], HIDDEN)],
    ["two lengths in one", http1([...WITH_KEY, length(`0, ${HIDDEN.length}`)], HIDDEN)],
    ["a signed length", http1([...WITH_KEY, length("+0")], HIDDEN)],
    ["a negative length", http1([...WITH_KEY, length("-1")], HIDDEN)],
    ["a length in hexadecimal", http1([...WITH_KEY, length("0x10")], HIDDEN)],
    ["a length beyond 64 bits", http1([...WITH_KEY, length("18446744073709551617")], HIDDEN)],
    ["an unknown coding", http1([...WITH_KEY, "transfer-encoding: xchunked"], HIDDEN)],
    [
      "chunked twice",
      http1([...WITH_KEY, "transfer-encoding: chunked, chunked"], `0${CRLF}${CRLF}${HIDDEN}`),
    ],
    [
      "chunked with a tab before it",
      http1([...WITH_KEY, "transfer-encoding:\x0bchunked"], `0${CRLF}${CRLF}${HIDDEN}`),
    ],
    ["a space before the colon", http1([...WITH_KEY, "content-length : 0"], HIDDEN)],
    ["a NUL in a value", http1([...WITH_KEY, "x-a: b\0c"], HIDDEN)],
    ["a NUL in a name", http1([...WITH_KEY, "x-\0a: b"], HIDDEN)],
    ["a chunk's size beyond 64 bits", http1([...WITH_KEY, CHUNKED], `10000000000000000${CRLF}${HIDDEN}`)],
    ["a chunk's size of no digits", http1([...WITH_KEY, CHUNKED], `g${CRLF}${HIDDEN}`)],
    ["a negative chunk", http1([...WITH_KEY, CHUNKED], `-1${CRLF}${HIDDEN}`)],
    ["no version", `POST /x${CRLF}host: a${CRLF}${CRLF}${HIDDEN}`],
    ["version 3.7", http1(WITH_KEY, HIDDEN, "POST /x HTTP/3.7")],
    ["no host", `POST /x HTTP/1.1${CRLF}taskid: 666${CRLF}${STRANGER}: 1${CRLF}${CRLF}`],
    ["a space in the path", http1([...WITH_KEY, length(0)], "", "POST /x y HTTP/1.1")],
    ["no line end for 100 KB", `POST /${"x".repeat(100_000)}`],
    ["a header of 100 KB", http1([...WITH_KEY, `x-long: ${"v".repeat(100_000)}`])],
    ["1,000 headers", http1([...WITH_KEY, ...Array.from({ length: 1000 }, (_, i) => `x-${i}: 1`)])],
  ])("%s: refused, and nothing behind it is a request", async (_name, request) => {
    const { statuses, text } = await gateway.raw(request);
    expect(
      statuses.filter((status) => status < 400),
      text,
    ).toEqual([]);
    expect(gateway.reached.some(({ path }) => path.includes("smuggled"))).toBe(false);
  });

  it.each<[string, string, number[]]>([
    ["a line end of LF only", http1([...WITH_KEY, "content-length: 0"]).replaceAll("\r", ""), [200, 400]],
    [
      "an extension of a chunk",
      http1([...WITH_KEY, CHUNKED], `1;a="b${"c".repeat(500)}"${CRLF}x${CRLF}0${CRLF}${CRLF}`),
      [200, 400],
    ],
    [
      "a chunk's size with 500 zeros",
      http1([...WITH_KEY, CHUNKED], `${"0".repeat(500)}1${CRLF}x${CRLF}0${CRLF}${CRLF}`),
      [200, 400],
    ],
    [
      "trailers behind chunks",
      http1([...WITH_KEY, CHUNKED], `0${CRLF}taskid: secret${CRLF}x-api-key: other${CRLF}${CRLF}`),
      [200],
    ],
    ["CONNECT", http1(WITH_KEY, "", "CONNECT secret:80 HTTP/1.1"), [400, 403, 404]],
    [
      "an upgrade",
      http1(
        [...WITH_KEY, "connection: upgrade", "upgrade: websocket", "content-length: 0"],
        "",
        "GET /x HTTP/1.1",
      ),
      [403],
    ],
    [
      "an upgrade to h2c",
      http1(
        [
          ...WITH_KEY,
          "connection: upgrade, http2-settings",
          "upgrade: h2c",
          "http2-settings: AAMAAABkAAQAAP__",
        ],
        "",
        "GET /x HTTP/1.1",
      ),
      [200, 403],
    ],
    ["TRACE", http1(WITH_KEY, "", "TRACE /x HTTP/1.1"), [200, 400, 405]],
    [
      "an expectation that nobody knows",
      http1([...WITH_KEY, "expect: 200-nothing", "content-length: 0"]),
      [200, 417],
    ],
    [
      "an absolute form of another host",
      http1([...WITH_KEY, "content-length: 0"], "", "POST http://secret/x HTTP/1.1"),
      [200],
    ],
    [
      "connection: x-api-key",
      http1([...WITH_KEY, "connection: x-api-key, taskid", "content-length: 0"]),
      [200, 400, 401],
    ],
  ])("%s is answered with one of the statuses that say what it is", async (_name, request, wanted) => {
    const { statuses, text } = await gateway.raw(request);
    expect([statuses.length, wanted.includes(statuses[0] as number)], text).toEqual([1, true]);
  });

  it.each<[string, string]>([
    ["a folded line", http1([...WITH_KEY, `x-folded: a${CRLF} content-length: 0`], HIDDEN)],
    ["a line of CR only", http1([...WITH_KEY, `x-a: b\rcontent-length: 0`], HIDDEN)],
  ])("%s: what stands behind it is a request of its own, and refused", async (_name, request) => {
    const { statuses } = await gateway.raw(request, 1000);
    expect([[400], [200, 401]]).toContainEqual(statuses);
  });

  it("a request without a credential behind a good one gets an answer of its own", async () => {
    const { statuses } = await gateway.raw(http1([...WITH_KEY, "content-length: 2"], `{}${HIDDEN}`));
    expect(statuses).toEqual([200, 401]);
  });

  it("half requests that stop are dropped without an answer from a model", async () => {
    const whole = http1([...WITH_KEY, "content-length: 100"], "{}");
    for (let cut = 1; cut < whole.length; cut += 9) {
      const { statuses } = await gateway.raw(whole.slice(0, cut), 10);
      expect(statuses.filter((status) => status < 400)).toEqual([]);
    }
  });
});

describe("who may call what", () => {
  const status = async (lines: string[], path = "/x") => {
    const { statuses } = await gateway.raw(
      http1([...lines, "connection: close", "content-length: 0"], "", `POST ${path} HTTP/1.1`),
    );
    return statuses;
  };

  it.each<[string, string[]]>([
    ["the task twice", ["taskid: 666", "taskid: secret"]],
    ["the task twice, the other way round", ["taskid: secret", "taskid: 666"]],
    ["two tasks in one header", ["taskid: 666,secret"]],
    ["the task in capitals", ["TASKID: secret"]],
    ["a task with an underscore beside it", ["taskid: secret", "task_id: 666"]],
    ["white space around the task", ["taskid: \t secret \t"]],
    ["a task with a NUL's escape", ["taskid: secret%00"]],
    ["an empty task before it", ["taskid:", "taskid: secret"]],
    ["another tenant's name", ["taskid: secret", "x-modelgate-tenant: ads", "x_modelgate_tenant: ads"]],
    ["a forged principal", ["taskid: secret", "modelgate.principal: ads"]],
    [
      "another path in a header",
      ["taskid: secret", "x-envoy-original-path: /666", "x-original-url: /666", "x-rewrite-url: /666"],
    ],
    ["another host in a header", ["taskid: secret", "x-forwarded-host: 666", "forwarded: host=666"]],
    ["another method in a header", ["taskid: secret", "x-http-method-override: GET"]],
    ["an internal caller", ["taskid: secret", "x-envoy-internal: true", "x-forwarded-for: 127.0.0.1"]],
  ])("%s does not open another tenant's task", async (_name, lines) => {
    const statuses = await status([`x-api-key: ${KEY}`, ...lines]);
    expect(statuses.filter((each) => each < 400)).toEqual([]);
  });

  it.each<[string, string[]]>([
    ["no key", []],
    ["an empty key", ["x-api-key:"]],
    ["the key cut short", [`x-api-key: ${KEY.slice(0, -1)}`]],
    ["the key and more", [`x-api-key: ${KEY}x`]],
    ["the key twice", [`x-api-key: ${KEY}`, `x-api-key: ${KEY}`]],
    ["a wrong key before it", ["x-api-key: wrong", `x-api-key: ${KEY}`]],
    ["the key in a cookie", [`cookie: x-api-key=${KEY}`]],
    ["the key with an underscore", [`x_api_key: ${KEY}`]],
    ["two authorizations", [`authorization: Bearer ${KEY}`, "authorization: Bearer wrong"]],
    [
      "the key's bytes with the high bit set",
      [`x-api-key: ${Buffer.from(Buffer.from(KEY).map((byte) => byte | 128)).toString("latin1")}`],
    ],
  ])("%s is no credential", async (_name, lines) => {
    const statuses = await status(["taskid: 666", `${STRANGER}: 1`, ...lines]);
    expect(statuses.map((each) => [400, 401].includes(each))).toEqual([true]);
  });

  const PATHS = [
    ...[
      "/666/../secret",
      "/secret/%2e%2e/666",
      "/666/%2e%2e/secret",
      "//secret",
      "/666//../secret",
      "/666/;/../secret",
      "/666;x=/secret",
    ],
    ...[
      "/666%2f..%2fsecret",
      "/666/%252e%252e/secret",
      "/666/..%5csecret",
      "/666\\..\\secret",
      "/./666/./secret",
      "/666/%00/secret",
      "/666#/secret",
    ],
    ...[
      "/v1/models/../../secret:predict",
      "/v1/models/m%2f..%2fsecret:predict",
      "/v2/models/m/../secret/infer",
      "/v2/models/%2e%2e/infer",
      "/v2/models/m/versions/..%2f..%2fsecret/infer",
    ],
    ...[
      "/x?taskid=secret",
      "/x?taskid=666&taskid=secret",
      "/?",
      "/%",
      "/%zz",
      "/%c0%ae%c0%ae/secret",
      "*",
      "/x?api_key=other%26",
      "/..",
      "/../../../../secret",
    ],
  ];
  it.each(PATHS)("the path %s opens nothing", async (path) => {
    const [forbidden, stranger] = await Promise.all([
      status([`x-api-key: ${KEY}`, "taskid: secret"], path),
      status(["taskid: 666", `${STRANGER}: 1`], path),
      status([`x-api-key: ${KEY}`, "taskid: 666"], path),
    ]);
    expect([...forbidden, ...stranger].filter((each) => each < 400)).toEqual([]);
  });

  it("keys in queries count as they stand, once", async () => {
    const query = (text: string) => status(["taskid: 666"], `/x?${text}`);
    expect(await query(`api_key=${KEY}`)).toEqual([200]);
    expect(gateway.reached.at(-1)?.path).toBe("/x");
    for (const text of [
      `api_key=${KEY}&api_key=${KEY}`,
      `API_KEY=${KEY}`,
      `api_key[]=${KEY}`,
      `api_key=${KEY}%00`,
      `x=1#api_key=${KEY}`,
      `api_key=+${KEY}`,
    ])
      expect(
        (await query(text)).filter((each) => each < 400),
        text,
      ).toEqual([]);
  });
});

const PSEUDO: [string, string][] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "gateway.example"],
  [":path", "/x"],
];
const GOOD: [string, string][] = [...PSEUDO, ["x-api-key", KEY], ["taskid", "666"]];
const STRANGE: [string, string][] = [...PSEUDO, ["taskid", "666"], [STRANGER, "1"]];
const request = (headers: [string, string][], flags = END_STREAM | END_HEADERS, stream = 1) =>
  frame(TYPE.headers, flags, stream, block(headers));
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const setting = (id: number, value: number) => Buffer.concat([Buffer.of(0, id), u32(value)]);

describe("HTTP/2", () => {
  const withConnection = async <T>(
    run: (connection: RawHttp2) => Promise<T>,
    settings?: Uint8Array,
  ): Promise<T> => {
    const connection = await RawHttp2.open(gateway.port, settings);
    try {
      return await run(connection);
    } finally {
      connection.close();
    }
  };

  it("by hand, as it should be, is answered", () =>
    withConnection(async (connection) => {
      await connection.send(request(GOOD));
      expect(await connection.fate(1)).toBe("ok");
    }));

  const replaced = (name: string, ...values: string[]): [string, string][] =>
    GOOD.flatMap((each): [string, string][] =>
      each[0] === name ? values.map((value) => [name, value]) : [each],
    );
  it.each<[string, [string, string][]]>([
    ["two paths", replaced(":path", "/x", "/y")],
    ["two methods", replaced(":method", "GET", "POST")],
    ["two authorities", replaced(":authority", "a", "b")],
    ["no path", replaced(":path")],
    ["no method", replaced(":method")],
    ["an empty path", replaced(":path", "")],
    [
      "a pseudo header behind others",
      [...GOOD.slice(0, 3), ["x-api-key", KEY], ["taskid", "666"], [":path", "/x"]],
    ],
    ["an unknown pseudo header", [[":taskid", "666"], ...GOOD]],
    [":status in a request", [[":status", "200"], ...GOOD]],
    ["capitals in a name", [...GOOD, ["X-Capital", "1"]]],
    ["a NUL in a value", [...GOOD, ["x-a", "b\0c"]]],
    ["a line end in a value", [...GOOD, ["x-a", "b\r\nx-injected: 1"]]],
    ["a line end in a name", [...GOOD, ["x-a\r\nx-injected", "1"]]],
    ["a line end in the path", replaced(":path", "/x HTTP/1.1\r\nx-injected: 1")],
    ["a space in the path", replaced(":path", "/x y")],
    ["a colon in a name", [...GOOD, ["x:a", "1"]]],
    ["an empty name", [...GOOD, ["", "1"]]],
    ["connection", [...GOOD, ["connection", "keep-alive"]]],
    ["transfer-encoding", [...GOOD, ["transfer-encoding", "chunked"]]],
    ["te other than trailers", [...GOOD, ["te", "gzip"]]],
    ["two lengths", [...GOOD, ["content-length", "0"], ["content-length", "5"]]],
    ["a length that the body has not", [...GOOD, ["content-length", "5"]]],
    ["another host than the authority", [...GOOD, ["host", "secret"], ["taskid", "secret"]]],
    ["CONNECT with a path", replaced(":method", "CONNECT")],
    [
      "extended CONNECT",
      [...replaced(":method", "CONNECT").slice(0, 4), [":protocol", "websocket"], ...GOOD.slice(4)],
    ],
    ["1,000 headers", [...GOOD, ...Array.from({ length: 1000 }, (_, i): [string, string] => [`x${i}`, "1"])]],
  ])("%s: no answer from a model", async (_name, headers) => {
    const before = gateway.reached.length;
    const fate = await withConnection(async (connection) => {
      await connection.send(request(headers));
      return connection.fate(1);
    });
    expect(["answered", "reset", "goaway", "closed"]).toContain(fate);
    expect(gateway.reached.slice(before).map(({ path }) => path)).toEqual([]);
  });

  const open = request(GOOD, END_HEADERS);
  const data = (bytes: Uint8Array, flags = 0, stream = 1) => frame(TYPE.data, flags, stream, bytes);
  it.each<[string, Uint8Array[]]>([
    ["trailers with a pseudo header", [open, data(Buffer.from("{}")), request([[":path", "/secret"]])]],
    ["trailers that end nothing", [open, request([["x-a", "1"]], END_HEADERS)]],
    ["data behind the end", [request(GOOD), data(Buffer.from("x"), END_STREAM)]],
    ["headers behind the end", [request(GOOD), request(GOOD)]],
    ["data of an idle stream", [data(Buffer.from("x"), 0, 7)]],
    ["data of stream 0", [data(Buffer.from("x"), 0, 0)]],
    ["a stream of an even number", [request(GOOD, END_STREAM | END_HEADERS, 2)]],
    ["padding longer than the frame", [open, frame(TYPE.data, 8, 1, Buffer.of(200, 1, 2))]],
    ["settings of five bytes", [frame(TYPE.settings, 0, 0, Buffer.alloc(5))]],
    ["an acknowledgement with settings", [frame(TYPE.settings, 1, 0, Buffer.alloc(6))]],
    ["settings of a stream", [frame(TYPE.settings, 0, 1)]],
    ["a window beyond 31 bits", [frame(TYPE.settings, 0, 0, setting(4, 2 ** 31))]],
    ["a frame size below the least", [frame(TYPE.settings, 0, 0, setting(5, 1))]],
    ["a ping of seven bytes", [frame(TYPE.ping, 0, 0, Buffer.alloc(7))]],
    ["a reset of three bytes", [open, frame(TYPE.reset, 0, 1, Buffer.alloc(3))]],
    ["a reset of an idle stream", [frame(TYPE.reset, 0, 9, Buffer.alloc(4))]],
    ["a window update of nothing", [frame(TYPE.windowUpdate, 0, 0, u32(0))]],
    [
      "a window that overflows",
      [frame(TYPE.windowUpdate, 0, 0, u32(2 ** 31 - 1)), frame(TYPE.windowUpdate, 0, 0, u32(2 ** 31 - 1))],
    ],
    [
      "a frame of 16 MB",
      [Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1), Buffer.alloc(20_000)])],
    ],
    ["a continuation of nothing", [frame(TYPE.continuation, END_HEADERS, 1, block(GOOD))]],
    ["another stream amid headers", [request(GOOD, 0), request(GOOD, 5, 3)]],
    ["a push to the server", [frame(5, END_HEADERS, 1, Buffer.concat([u32(2), block(GOOD)]))]],
    ["an index that no table has", [frame(TYPE.headers, 5, 1, Buffer.of(0xff, 0x80, 0x01))]],
    ["a header block cut short", [frame(TYPE.headers, 5, 1, block(GOOD).subarray(0, -3))]],
    [
      "a table larger than settings allow",
      [frame(TYPE.headers, 5, 1, Buffer.concat([Buffer.of(0x3f, 0xff, 0xff, 0x7f), block(GOOD)]))],
    ],
    [
      "Huffman code that ends nowhere",
      [frame(TYPE.headers, 5, 1, Buffer.of(0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61))],
    ],
    ["what is no HTTP/2", [Buffer.from("GET / HTTP/1.1\r\n\r\n")]],
  ])("%s ends the stream or the connection", async (_name, frames) => {
    const fate = await withConnection(async (connection) => {
      await connection.send(...frames);
      return connection.end([1, 2, 3]);
    });
    expect([
      "answered",
      "reset",
      "goaway",
      "closed",
      ...(/amid|behind the end/.test(_name) ? ["ok"] : []),
    ]).toContain(fate);
  });

  it("a stream number that goes back opens no stream", () =>
    withConnection(async (connection) => {
      const before = gateway.reached.length;
      await connection.send(request(GOOD, 5, 9), request(GOOD, 5, 3));
      expect(["ok", "goaway", "closed"]).toContain(await connection.fate(9));
      expect(await connection.fate(3, 200)).not.toBe("ok");
      expect(gateway.reached.length - before).toBeLessThan(2);
    }));

  const many = <T>(count: number, make: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => make(i));
  /** All bounded: a few seconds, a few megabytes. */
  it.each<[string, Uint8Array[], Uint8Array?]>([
    [
      "CONTINUATION frames without end",
      [
        request(GOOD, 0),
        ...many(2000, (i) => frame(TYPE.continuation, 0, 1, block([[`x-${i}`, "v".repeat(60)]]))),
      ],
    ],
    ["empty CONTINUATION frames", [request(GOOD, 0), ...many(20_000, () => frame(TYPE.continuation, 0, 1))]],
    [
      "streams that are reset at once",
      many(2000, (i) =>
        Buffer.concat([request(GOOD, END_HEADERS, 2 * i + 1), frame(TYPE.reset, 0, 2 * i + 1, u32(8))]),
      ),
    ],
    ["pings", many(20_000, () => frame(TYPE.ping, 0, 0, Buffer.alloc(8)))],
    ["settings", many(5000, (i) => frame(TYPE.settings, 0, 0, setting(4, 65_535 + (i % 2))))],
    ["empty DATA frames", [request(GOOD, END_HEADERS), ...many(50_000, () => frame(TYPE.data, 0, 1))]],
    [
      "DATA frames of padding only",
      [
        request(GOOD, END_HEADERS),
        ...many(500, () => frame(TYPE.data, 8, 1, Buffer.concat([Buffer.of(99), Buffer.alloc(99)]))),
      ],
    ],
    ["windows of nothing", many(90, (i) => request(GOOD, 5, 2 * i + 1)), setting(4, 0)],
    [
      "window updates of one byte",
      [request(GOOD, END_HEADERS), ...many(10_000, () => frame(TYPE.windowUpdate, 0, 1, u32(1)))],
    ],
    [
      "a header of 4 KB named 8,000 times",
      [
        frame(
          TYPE.headers,
          5,
          1,
          Buffer.concat([block(GOOD), kept("x-bomb", "b".repeat(4000)), repeated(8000)]),
        ),
      ],
    ],
    [
      "streams that depend on themselves and each other",
      many(2000, (i) =>
        frame(
          TYPE.priority,
          0,
          2 * i + 1,
          Buffer.concat([u32(i % 2 ? 2 * i + 1 : 2 * i + 3), Buffer.of(255)]),
        ),
      ),
    ],
    ["3,000 streams of a stranger", many(3000, (i) => request(STRANGE, END_HEADERS, 2 * i + 1))],
    [
      "GOAWAY amid requests",
      [
        ...many(20, (i) => request(GOOD, END_HEADERS, 2 * i + 1)),
        frame(TYPE.goaway, 0, 0, Buffer.concat([u32(0), u32(0)])),
        request(GOOD, 5, 99),
      ],
    ],
    ["frames of unknown types", many(5000, (i) => frame(0x20 + (i % 200), 0xff, i % 7, Buffer.alloc(20)))],
  ])("a flood of %s is borne", async (_name, frames, settings) => {
    await withConnection(async (connection) => {
      await connection.send(...frames);
      expect(await honest()).toBe(200);
      await connection.fate(1, 200);
    }, settings);
  });

  it("a hundred connections that send their preface and no more are borne", async () => {
    const connections = await Promise.all(many(100, () => RawHttp2.open(gateway.port)));
    expect(await honest()).toBe(200);
    for (const connection of connections) connection.close();
  });

  const grpc: [string, string][] = [...GOOD, ["content-type", "application/grpc"], ["te", "trailers"]];
  it.each<[string, Uint8Array[]]>([
    ["a length of 4 GB", [Buffer.of(0, 0xff, 0xff, 0xff, 0xff, 1)]],
    ["a length that lies", [Buffer.of(0, 0, 0, 0, 9, 1, 2)]],
    ["a compressed frame that is none", [Buffer.of(1, 0, 0, 0, 1, 7)]],
    ["an unknown flag", [Buffer.of(0x82, 0, 0, 0, 1, 7)]],
    ["half a head", [Buffer.of(0, 0)]],
    ["a byte a DATA frame", [...Buffer.from("0000000003070809", "hex")].map((byte) => Buffer.of(byte))],
    ["10,000 empty messages", [Buffer.alloc(16_000), Buffer.alloc(16_000), Buffer.alloc(16_000)]],
  ])("gRPC with %s passes with its credential, and without is refused", async (_name, pieces) => {
    const frames = pieces.map((piece, i) => data(piece, i === pieces.length - 1 ? END_STREAM : 0));
    const send = (headers: [string, string][]) =>
      withConnection(async (connection) => {
        await connection.send(request(headers, END_HEADERS), ...frames);
        return connection.fate(1);
      });
    expect(await send(grpc)).toBe("ok");
    const before = gateway.reached.length;
    // A gRPC error: status 200 with grpc-status, from the gateway itself.
    expect(["ok", "answered"]).toContain(
      await send([...grpc.filter(([name]) => name !== "x-api-key"), [STRANGER, "1"]]),
    );
    expect(gateway.reached.length).toBe(before);
  });
});

it("the access log of all that is JSON, line by line", async () => {
  for (let i = 0; i < 20; i++)
    await new Promise((resolve) =>
      httpRequest(
        { port: gateway.port, path: `/%${i}"\\`, headers: { "user-agent": "\x80\xff" } },
        resolve,
      ).end(),
    );
  const lines = await gateway.log();
  expect(lines.length).toBeGreaterThan(100);
  for (const line of lines) expect(() => JSON.parse(line), line).not.toThrow();
  const spelt = /API_KEY|api_key\[|#api_key|%00|%26|[+]/;
  expect(lines.filter((line) => line.includes(KEY) && !spelt.test(line))).toEqual([]);
});
