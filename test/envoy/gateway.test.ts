import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outcomeOf } from "../../tools/lib/access-log/outcome.ts";
import { linear } from "../../tools/serving/model-server/linear-model.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { KEY, pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { pace } from "../support/pace.ts";
import { separateFilters } from "../support/separate-filters.ts";

const INFER = "/v2/models/linear/infer";
const ECHO = "/v2/models/echo/infer";
const ROW = [1, 2, 3, 4, 5, 6, 7, 8];
const BODY = JSON.stringify({ inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: ROW }] });

function tensor(datatype: string, data: unknown[], shape = [data.length]): string {
  return JSON.stringify({ inputs: [{ name: "x", shape, datatype, data }] });
}

describe.each([
  ["gateway.wasm", undefined],
  ["the stages as filters of their own", separateFilters(pluginConfig)],
])("%s", (_name, filters) => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(filters);
  });
  afterAll(() => gateway?.stop());

  it.each(["/v2", "/v2/health/ready", "/v2/models/linear", "/v2/models/linear/ready"])(
    "HEAD %s is answered as GET, without a body",
    async (path) => {
      const ask = async (method: string) => {
        const headers = { "x-api-key": KEY, taskid: "666" };
        const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}${path}`, { method, headers });
        const type = response.headers.get("content-type");
        return { status: response.status, type, text: await response.text() };
      };
      const answer = await ask("GET");
      expect(answer.status).toBe(200);
      expect(await ask("HEAD")).toEqual({ ...answer, text: "" });
    },
  );

  it("converts a request and its reply", async () => {
    const { status, headers, text } = await gateway.post(INFER, BODY);
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("application/json");
    const output = JSON.parse(text).outputs[0];
    expect(output).toMatchObject({ name: "y", datatype: "FP32", shape: [1, 2] });
    expect(output.data.map(Math.fround)).toEqual([...linear(Float32Array.from(ROW))]);
  });

  it("passes gRPC callers through", async () => {
    const Client = grpc.makeGenericClientConstructor(
      protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition,
      "GRPCInferenceService",
    );
    const client = new Client(`127.0.0.1:${gateway.envoy.port}`, grpc.credentials.createInsecure());
    const metadata = new grpc.Metadata();
    metadata.set("x-api-key", KEY);
    metadata.set("taskid", "666");
    const infer = (key: string): Promise<{ raw_output_contents: Buffer[] }> => {
      metadata.set("x-api-key", key);
      const request = {
        model_name: "echo",
        inputs: [{ name: "x", datatype: "INT64", shape: [1] }],
        raw_input_contents: [Buffer.from([7, 0, 0, 0, 0, 0, 0, 0])],
      };
      return new Promise((resolve, reject) =>
        client.ModelInfer?.(request, metadata, (error: grpc.ServiceError | null, reply: never) =>
          error ? reject(error) : resolve(reply),
        ),
      );
    };
    expect((await infer(KEY)).raw_output_contents[0]?.[0]).toBe(7);
    await expect(infer("bad")).rejects.toMatchObject({ code: grpc.status.UNAUTHENTICATED });
    metadata.set("taskid", "777");
    await expect(infer(KEY)).rejects.toMatchObject({ code: grpc.status.PERMISSION_DENIED });
    client.close();
  });

  it.each([
    [401, "credential_unknown", "refused", { "x-api-key": "bad" }, INFER, BODY],
    [401, "credential_unknown", "refused", { "x-api-key": KEY.slice(1) }, INFER, BODY],
    [400, "credential_ambiguous", "refused", { authorization: `Bearer ${KEY}` }, INFER, BODY],
    [403, "task_forbidden", "refused", { taskid: "777" }, INFER, BODY],
    [403, "version_forbidden", "refused", { taskid: "v", version: "v3" }, INFER, BODY],
    [404, "path_unknown", "refused", {}, "/v2/models/linear/x", BODY],
    [405, "method_not_allowed", "refused", {}, "/v2/models/linear", BODY],
    [404, "model_error_5", "client_error", {}, "/v2/models/none/infer", BODY],
    [400, "model_error_3", "client_error", {}, INFER, tensor("FP32", [1])],
    [415, "content_encoding", "refused", { "content-encoding": "gzip" }, INFER, BODY],
    [400, "json_malformed", "refused", {}, INFER, `${BODY}}`],
    [400, "json_malformed", "refused", {}, INFER, BODY.slice(0, -1)],
    [400, "json_malformed", "refused", {}, INFER, tensor("FP32", [1], [2])],
    [400, "json_malformed", "refused", {}, INFER, tensor("INT64", [1.5])],
    [400, "json_malformed", "refused", {}, INFER, tensor("FP8", [1])],
    [400, "json_malformed", "refused", {}, INFER, "[]"],
    [503, "upstream_error", "server_error", { taskid: "gone" }, INFER, BODY],
  ])("answers %d %s, and logs the same: %s", async (status, reason, outcome, headers, path, body) => {
    const id = randomUUID();
    const answer = await gateway.post(path, body, {
      ...(headers as unknown as Record<string, string>),
      "x-request-id": id,
    });
    expect([answer.status, JSON.parse(answer.text).reason]).toEqual([status, reason]);
    const [line] = await gateway.logged(({ request_id }) => request_id === id);
    expect([line?.response_code, line?.reason]).toEqual([status, reason]);
    expect(outcomeOf(line as object)).toBe(outcome);
  });

  it("answers 401 without a key, with WWW-Authenticate", async () => {
    const response = await fetch(`http://127.0.0.1:${gateway.envoy.port}${INFER}`, {
      method: "POST",
      body: BODY,
    });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await response.json()).toMatchObject({ reason: "credential_missing" });
  });

  it("holds one bucket for both workers", async () => {
    const headers = { taskid: "limited" };
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.post(INFER, BODY, headers)));
    const admitted = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(({ status }) => status === 429);
    expect(admitted).toBeGreaterThanOrEqual(10);
    expect(admitted).toBeLessThanOrEqual(12);
    expect(admitted + refused.length).toBe(40);
    expect(refused[0]?.headers.get("retry-after")).toBe("1");
  });

  it("logs one JSON line a request, with tenant and reason and without the key", async () => {
    const agent = 'quote " backslash \\ end';
    await gateway.post("/v2/nothing", BODY, { "user-agent": agent, version: "v9" });
    const [line] = await gateway.logged((entry) => entry.user_agent === agent);
    expect(line).toMatchObject({
      response_code: 404,
      method: "POST",
      path: "/v2/nothing",
      tenant: "search",
      taskid: "666",
      version: "v9",
      reason: "path_unknown",
    });
    expect(JSON.stringify(line)).not.toContain(KEY);
  });
});

describe("gateway.wasm under stress", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway();
  });
  afterAll(() => gateway?.stop());

  it.each(["FP32", "INT64"])("returns what it was sent in a 20 MB body of %s", async (datatype) => {
    const real = datatype === "FP32";
    const data = Array.from({ length: real ? 2_100_000 : 1_300_000 }, (_, i) =>
      real ? ((i * 7919) % 1000003) / 1e6 : i * 1234567890 - 2 ** 50,
    );
    const body = tensor(datatype, data);
    expect(body.length).toBeGreaterThan(18e6);
    const { status, text } = await gateway.post(ECHO, body);
    expect(status).toBe(200);
    const echoed = JSON.parse(text).outputs[0].data as number[];
    expect(echoed.length).toBe(data.length);
    expect(echoed.findIndex((value, i) => Math.fround(value) !== Math.fround(data[i] as number))).toBe(-1);
  });

  it("takes data before its datatype, nested lists, white space, and typed replies", async () => {
    const body =
      '{ "inputs" : [ { "data" : [ [1, -2] ,\n[ 3 , 4.5e0 ] ], "datatype":"FP32","shape":[2,2],"name":"\\u0078" } ], "id":"\\"7\\"" }';
    const { status, text } = await gateway.post("/v2/models/echo/versions/typed/infer", body);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      model_name: "echo",
      model_version: "typed",
      id: '"7"',
      outputs: [{ name: "x", datatype: "FP32", shape: [2, 2], data: [1, -2, 3, 4.5] }],
    });
  });

  it("goes on after clients that leave in the middle of a body", async () => {
    for (let i = 0; i < 20; i++) {
      const socket = connect(gateway.envoy.port, "127.0.0.1");
      socket.write(
        `POST ${ECHO} HTTP/1.1\r\nhost: x\r\nx-api-key: ${KEY}\r\ntaskid: 666\r\ncontent-length: 100000\r\n\r\n${BODY.slice(0, 60)}`,
      );
      await pace(10);
      socket.destroy();
    }
    expect((await gateway.post(INFER, BODY)).status).toBe(200);
    expect(await gateway.logged((line) => line.response_flags === "DC")).not.toEqual([]);
  });
});
