import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { ENVOY_FIELDS, LOG_FIELDS, MODEL_CALL_FIELDS } from "../../tools/lib/envoy/log-fields.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { startTestCollector, type TestCollector } from "../support/collector.ts";
import { KEY, pluginConfig, startTestGateway, stat, type TestGateway } from "../support/gateway.ts";
import { pace, settle } from "../support/pace.ts";
import { until } from "../support/until.ts";

type Line = Record<string, unknown>;

const ECHO = "/v2/models/echo/infer";
const BODY = JSON.stringify({ inputs: [{ name: "x", shape: [2], datatype: "FP32", data: [1, 2] }] });
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT = { "x-api-key": KEY, taskid: "666" };

function withLog(accessLog: object): object {
  return wasmFilter("gateway", modulePath("gateway"), { ...pluginConfig, accessLog });
}

/** Fields that a filter of its own before gateway.wasm does not know, or that the two ways out tell differently. */
const OF_ONE_FILTER = new Set<string>([
  ...["tenant", "credential", "decision", "reason", "would_refuse"],
  ...["hostname", "upstream_time"],
]);

/** Sends bytes over a connection of its own. @returns the status line's code */
async function raw(port: number, request: Buffer): Promise<number> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Number(Buffer.concat(chunks).toString("latin1").split(" ")[1]);
}

/** Calls ModelInfer of the model `name`. @returns the gRPC status */
async function infer(port: number, name: string, id: string): Promise<number> {
  const Client = grpc.makeGenericClientConstructor(
    protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition,
    "GRPCInferenceService",
  );
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  for (const [key, value] of Object.entries({ ...CLIENT, "x-request-id": id })) metadata.set(key, value);
  const status = await new Promise<number>((resolve) =>
    client.ModelInfer?.({ model_name: name, inputs: [] }, metadata, (error: grpc.ServiceError | null) =>
      resolve(error?.code ?? 0),
    ),
  );
  client.close();
  return status;
}

async function overHttp2(port: number, headers: Record<string, string>): Promise<number> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":method": "POST", ":path": ECHO, ...CLIENT, ...headers });
  stream.end(BODY);
  const [response] = await once(stream, "response");
  stream.resume();
  await once(stream, "close");
  session.destroy();
  return response[":status"];
}

/** A client that leaves in the middle of its body. */
async function leave(port: number, id: string): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.write(
    `POST ${ECHO} HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\ntaskid: 666\r\nx-request-id: ${id}\r\ncontent-length: 1000\r\n\r\n{`,
  );
  await pace(100);
  socket.destroy();
}

describe("a line of the file", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    const fields = [...LOG_FIELDS.map((field) => ({ field }))];
    gateway = await startTestGateway([withLog({ gateway: "edge/search", fields })], {
      log: { fields },
    });
  });
  afterAll(() => gateway?.stop());

  const lineOf = async (id: string): Promise<Line> => {
    const lines = await gateway.logged((line) => line.request_id === id);
    expect(lines.length).toBe(1);
    return lines[0] as Line;
  };

  /** What a request that passes does not have, or one that calls no language model. */
  const ABSENT: string[] = ["reason", "would_refuse", ...MODEL_CALL_FIELDS];

  it("has each field of a converted request", async () => {
    const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`;
    const headers = { "x-request-id": "http1", traceparent, "user-agent": "test/1", version: "v1" };
    expect((await gateway.post(ECHO, BODY, headers)).status).toBe(200);
    const line = await lineOf("http1");
    expect(Object.keys(line).sort()).toEqual(LOG_FIELDS.filter((field) => !ABSENT.includes(field)).sort());
    expect(line).toMatchObject({
      protocol: "HTTP/1.1",
      response_code: 200,
      response_flags: "-",
      response_code_details: "via_upstream",
      grpc_status: "OK",
      bytes_received: BODY.length,
      downstream_local_address: `127.0.0.1:${gateway.envoy.port}`,
      authority: `127.0.0.1:${gateway.envoy.port}`,
      method: "POST",
      path: ECHO,
      user_agent: "test/1",
      trace_id: TRACE,
      gateway: "edge/search",
      tenant: "search",
      credential: "search-1",
      taskid: "666",
      version: "v1",
      model: "echo",
      decision: "allowed",
    });
    expect(Date.now() - Date.parse(line.start_time as string)).toBeLessThan(30_000);
    expect(line.start_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line.upstream_host).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(line.upstream_time).toMatch(/^\d+$/);
    expect(Number(line.upstream_time)).toBeLessThanOrEqual(line.duration as number);
    expect(line.bytes_sent).toBeGreaterThan(50);
    expect(line.request_tensor_bytes).toBeGreaterThan(8 + 5);
    expect(line.response_tensor_bytes).toBeGreaterThan(8 + 5);
    const phases = line.phases as Record<string, number>;
    expect(Object.keys(phases)).toEqual(["tenant_auth", "rate_limit", "protocol_conversion"]);
    expect(phases.protocol_conversion).toBeGreaterThan(0);
    expect(JSON.stringify(line)).not.toContain(KEY);
  });

  it("knows HTTP/2 and gRPC", async () => {
    expect(await overHttp2(gateway.envoy.port, { "x-request-id": "http2" })).toBe(200);
    expect(await lineOf("http2")).toMatchObject({ protocol: "HTTP/2", response_code: 200, model: "echo" });
    expect(await infer(gateway.envoy.port, "echo", "grpc")).toBe(grpc.status.OK);
    const line = await lineOf("grpc");
    expect(line).toMatchObject({
      protocol: "HTTP/2",
      response_code: 200,
      grpc_status: "OK",
      decision: "allowed",
      model: "echo",
    });
    expect(line.path).toBe("/inference.GRPCInferenceService/ModelInfer");
    expect(line).not.toHaveProperty("request_tensor_bytes");
    expect(await infer(gateway.envoy.port, "none", "grpc-error")).toBe(grpc.status.NOT_FOUND);
    expect(await lineOf("grpc-error")).toMatchObject({
      response_code: 200,
      grpc_status: "NotFound",
      model: "none",
    });
  });

  it.each([
    [
      "key",
      { "x-api-key": "bad" },
      ECHO,
      { response_code: 401, decision: "refused", reason: "credential_unknown" },
    ],
    ["task", { taskid: "777" }, ECHO, { response_code: 403, tenant: "search", reason: "task_forbidden" }],
    ["path", {}, "/v2/nothing", { response_code: 404, decision: "refused", reason: "path_unknown" }],
    [
      "model",
      {},
      "/v2/models/none/infer",
      { response_code: 404, decision: "allowed", reason: "model_error_5" },
    ],
    ["gone", { taskid: "gone" }, ECHO, { response_code: 503, response_flags: "UF", decision: "allowed" }],
  ])("says what became of %s", async (id, headers, path, wanted) => {
    await gateway.post(path, BODY, { ...(headers as unknown as Record<string, string>), "x-request-id": id });
    expect(await lineOf(id)).toMatchObject(wanted);
  });

  it("says that the client left", async () => {
    await leave(gateway.envoy.port, "left");
    expect(await lineOf("left")).toMatchObject({ response_code: 0, response_flags: "DC", upstream_time: "" });
  });

  it("is one line of JSON whatever the client writes", async () => {
    const { port } = gateway.envoy;
    const before = (await gateway.logText()).split("\n").length;
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i).filter((i) => i > 0x20 && i !== 0x7f));
    const agent = Buffer.concat([Buffer.from('","reason":"none"}\t{"x":"\\u0022 é€😀 '), bytes]);
    const head = (id: string, path: string) =>
      `GET ${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\ntaskid: 6"6\r\nconnection: close\r\nx-request-id: ${id}\r\n`;
    const request = [
      Buffer.from(`${head("bytes", '/v2/"\\x?q="')}user-agent: `),
      agent,
      Buffer.from("\r\n\r\n"),
    ];
    const status = await raw(port, Buffer.concat(request));
    expect(status).toBeGreaterThanOrEqual(400);
    await raw(port, Buffer.from(`${head("line", "/v2/x")}user-agent: a\nx: b\r\n\r\n`));
    await raw(port, Buffer.from(`${head("host", "/v2/x").replace("host: x", 'host: a"b')}\r\n`));
    await raw(port, Buffer.from(`${head("folded", "/v2/x")}user-agent: a\r\n b\r\n\r\n`));
    await settle(500);
    const lines = (await gateway.logText())
      .trim()
      .split("\n")
      .slice(before - 1);
    const parsed = lines.map((line) => JSON.parse(line) as Line);
    const line = parsed.find(({ request_id }) => request_id === "bytes");
    // Envoy normalises paths before any filter sees them.
    expect(line?.path).toBe('/v2/%22/x?q="');
    expect(line?.taskid).toBe('6"6');
    expect(line?.user_agent).toContain('","reason":"none"}\t{"x":"\\u0022 é€😀 !"#$');
    expect(line?.reason).not.toBe("none");
    // Envoy refuses that one itself, and shows no filter its headers.
    const refused = parsed.filter((each) => each.response_code_details === "http.invalid_authority");
    expect(refused).toMatchObject([{ response_code: 400, response_flags: "DPE" }]);
    for (const field of ["decision", "request_id", "path"]) expect(refused[0]).not.toHaveProperty(field);
    expect(parsed.every((each) => each.start_time !== undefined)).toBe(true);
  });

  it("is bounded", async () => {
    const head = `GET /v2/${'"'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: long\r\nuser-agent: `;
    const agent = Buffer.alloc(9000, 0xe9);
    await raw(gateway.envoy.port, Buffer.concat([Buffer.from(head), agent, Buffer.from("\r\n\r\n")]));
    const line = await lineOf("long");
    expect(JSON.stringify(line.path).length).toBeLessThanOrEqual(514);
    expect(JSON.stringify(line).length).toBeLessThan(3000);
  });
});

describe("with names and a sample of one's own", () => {
  let gateway: TestGateway;
  const fields = [
    { field: "start_time" as const, as: "ts" },
    { field: "response_code" as const, as: "code" },
    { field: "request_id" as const, as: "id" },
    { field: "duration" as const, as: "100%" },
  ];
  beforeAll(async () => {
    gateway = await startTestGateway([withLog({ fields })], {
      log: { fields, sample: { ratio: 0.25, slowerThanMs: 300 } },
    });
  });
  afterAll(() => gateway?.stop());

  it("writes those, and the requests that the ids choose, and every error", async () => {
    const ids = Array.from({ length: 300 }, (_, i) =>
      ((i * 2654435761) % 2 ** 32).toString(16).padStart(8, "0"),
    );
    const statuses = new Map<string, number>();
    await Promise.all(
      ids.map(async (id, i) => {
        const headers = {
          "x-request-id": `${id}-6c1b-4f5e-9d8e-0123456789ab`,
          taskid: i % 10 === 0 ? "777" : "666",
        };
        statuses.set(headers["x-request-id"], (await gateway.post(ECHO, BODY, headers)).status);
      }),
    );
    expect(await infer(gateway.envoy.port, "none", "ffffffff-grpc-error")).toBe(grpc.status.NOT_FOUND);
    await leave(gateway.envoy.port, "000f423f-left");
    await settle(700);
    const lines = (await gateway.logText())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    for (const line of lines) expect(Object.keys(line)).toEqual(["ts", "code", "100%", "id"]);
    const slow = lines.filter((line) => (line["100%"] as number) >= 300).map(({ id }) => id);
    const wanted = [...statuses].filter(
      ([id, status]) =>
        Number.parseInt(id.slice(0, 8), 16) % 1_000_000 < 250_000 || status === 403 || slow.includes(id),
    );
    const expected = [...wanted.map(([id]) => id), "ffffffff-grpc-error", "000f423f-left"];
    expect(lines.map(({ id }) => id as string).sort()).toEqual(expected.sort());
  });
});

it("a file and batches take the same part of the traces, and of the requests without one", async () => {
  const collector = await startTestCollector();
  const sample = { ratio: 0.3 };
  const log = wasmFilter("access-log", modulePath("access-log"), { accessLog: {} });
  const gateway = await startTestGateway([log, withLog({ collector: { cluster: "collector", sample } })], {
    log: { sample },
    clusters: [httpCluster("collector", collector.port)],
  });
  try {
    const hex = (i: number) => ((i * 2654435761) % 2 ** 32).toString(16).padStart(8, "0");
    const wanted: string[] = [];
    await Promise.all(
      Array.from({ length: 400 }, async (_, i) => {
        const id = `${hex(i)}-6c1b-4f5e-9d8e-0123456789ab`;
        const bits = `${hex(i + 7)}00ff00`;
        const traceparent = [
          `00-4bf92f3577b34da6a3${bits}-00f067aa0ba902b7-01`,
          `01-0000000000000000000${bits.slice(1)}-0000000000000000-00-x`,
          `00-4bf92f3577b34da6A3${bits}-00f067aa0ba902b7-01`,
          undefined,
        ][i % 4];
        const digits = i % 4 === 0 ? hex(i + 7) : `0${hex(i + 7).slice(1)}`;
        const byTrace = Number.parseInt(digits, 16) >= 0.7 * 2 ** 32;
        const byRequest = Number.parseInt(hex(i), 16) % 1_000_000 < 300_000;
        if (i % 4 < 2 ? byTrace : byRequest) wanted.push(id);
        await gateway.post(ECHO, BODY, { "x-request-id": id, ...(traceparent && { traceparent }) });
      }),
    );
    const ids = (lines: Line[]) => lines.map(({ request_id }) => request_id as string).sort();
    await expect.poll(async () => ids(await gateway.logged(() => true))).toEqual(wanted.sort());
    await expect.poll(() => ids(collector.lines())).toEqual(wanted);
  } finally {
    await gateway.stop();
    collector.stop();
  }
});

describe("batches to a collector", () => {
  let collector: TestCollector;
  let gateway: TestGateway;
  const settings = { cluster: "collector", timeoutMilliseconds: 300, maxQueueBytes: 65_536 };
  beforeAll(async () => {
    collector = await startTestCollector();
    const log = wasmFilter("access-log", modulePath("access-log"), { accessLog: {} });
    // The first filter writes to the file what the second one sends.
    gateway = await startTestGateway([log, withLog({ collector: settings })], {
      clusters: [httpCluster("collector", collector.port)],
    });
  });
  afterAll(async () => {
    await gateway?.stop();
    collector?.stop();
  });

  it("say of each request what the file says", async () => {
    const headers = { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, "user-agent": 'a"b' };
    await gateway.post(ECHO, BODY, { ...headers, "x-request-id": "b-http1" });
    await overHttp2(gateway.envoy.port, { "x-request-id": "b-http2" });
    await infer(gateway.envoy.port, "echo", "b-grpc");
    await infer(gateway.envoy.port, "none", "b-grpc-error");
    await gateway.post(ECHO, BODY, { taskid: "777", "x-request-id": "b-refused" });
    await gateway.post(ECHO, BODY, { taskid: "gone", "x-request-id": "b-gone" });
    await leave(gateway.envoy.port, "b-left");
    const ids = ["b-http1", "b-http2", "b-grpc", "b-grpc-error", "b-refused", "b-gone", "b-left"];
    const haveCome = () => ids.every((id) => collector.lines().some(({ request_id }) => request_id === id));
    await until(haveCome, { message: () => JSON.stringify(collector.lines()) });
    expect(collector.contentTypes[0]).toBe("application/x-ndjson");
    for (const id of ids) {
      const [sent] = collector.lines().filter(({ request_id }) => request_id === id) as [Line];
      const [filed] = (await gateway.logged(({ request_id }) => request_id === id)) as [Line];
      for (const field of LOG_FIELDS) {
        if (OF_ONE_FILTER.has(field) || field.endsWith("tensor_bytes")) continue;
        // A filter of its own sees no body.
        if (field === "model" && id.startsWith("b-grpc")) continue;
        // Of a body that nobody read, Envoy's log counts what came; the stage knows what was announced.
        if (field === "bytes_received" && filed.response_code !== 200) continue;
        // What Envoy answers a gRPC caller itself has its status in a header, which its own log does not see.
        if (field in ENVOY_FIELDS && (filed[field] ?? "") === "" && field === "grpc_status") continue;
        expect([id, field, String(sent[field] ?? "")]).toEqual([id, field, String(filed[field] ?? "")]);
      }
    }
    const [line] = collector.lines().filter(({ request_id }) => request_id === "b-http1") as [Line];
    expect(line.hostname).toBe("modelgate");
    expect(collector.lines().find(({ request_id }) => request_id === "b-grpc")?.model).toBe("echo");
    expect(line.upstream_time).toBeGreaterThanOrEqual(0);
    expect(line.request_tensor_bytes).toBeGreaterThan(13);
  });

  it.each([
    ["fails", 503, 0],
    ["never answers", 0, 0],
    ["answers late", 200, 600],
  ])("harm no request while the collector %s", async (_name, status, delay) => {
    Object.assign(collector, { status, delay, batches: [] });
    const failures = await stat(gateway.envoy, "modelgate.log.failures");
    const dropped = await stat(gateway.envoy, "modelgate.log.dropped");
    const answers = await Promise.all(
      Array.from({ length: 600 }, () => gateway.post(ECHO, BODY, { "x-request-id": "while" })),
    );
    expect(answers.filter((answer) => answer.status !== 200)).toEqual([]);
    const hasFailed = async () => (await stat(gateway.envoy, "modelgate.log.failures")) > failures;
    await until(hasFailed, { message: "no batch failed" });
    expect(await stat(gateway.envoy, "modelgate.log.dropped")).toBeGreaterThan(dropped);
    Object.assign(collector, { status: 200, delay: 0, batches: [] });
    // While the queue is full, a line more is one that is dropped.
    const hasCome = async () => {
      await gateway.post(ECHO, BODY, { "x-request-id": "after" });
      return collector.lines().some(({ request_id }) => request_id === "after");
    };
    await until(hasCome, { message: "no line came after the failure", everyMs: 100 });
  });
});
