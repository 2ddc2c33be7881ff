import grpc from "@grpc/grpc-js";
import fc from "fast-check";
import protobuf from "protobufjs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

/** Configuration, statistics and index of a model server: its gRPC as the JSON that Triton's REST writes. */

const root = new protobuf.Root().loadSync(new URL("proto/model_inspection.proto", PROJECT_ROOT).pathname, {
  keepCase: true,
});
const type = (name: string) => root.lookupType(`inference.${name}`).resolveAll() as protobuf.Type;
const ModelConfigResponse = type("ModelConfigResponse");
const ModelStatisticsResponse = type("ModelStatisticsResponse");
const RepositoryIndexResponse = type("RepositoryIndexResponse");

let answer: Uint8Array | grpc.ServiceError = new Uint8Array();
const asked: { method: string; request: Buffer }[] = [];
const server = new grpc.Server();
let envoy: RunningEnvoy;

function method(name: string) {
  return {
    path: `/inference.GRPCInferenceService/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: Buffer) => message,
    requestDeserialize: (message: Buffer) => message,
    responseSerialize: (message: Uint8Array) => Buffer.from(message),
    responseDeserialize: (message: Buffer) => message,
  };
}

beforeAll(async () => {
  const names = ["ModelConfig", "ModelStatistics", "RepositoryIndex"];
  const handler =
    (name: string): grpc.handleUnaryCall<Buffer, Uint8Array> =>
    ({ request }, callback) => {
      asked.push({ method: name, request });
      if (answer instanceof Uint8Array) callback(null, answer);
      else callback(answer);
    };
  server.addService(
    Object.fromEntries(names.map((name) => [name, method(name)])),
    Object.fromEntries(names.map((name) => [name, handler(name)])),
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const config = { protocolConversion: { tasks: [{ taskid: "1" }] } };
  envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: [{ taskid: "1", port }],
      filters: [wasmFilter("protocol-conversion", modulePath("protocol-conversion"), config)],
    }),
  });
});
afterAll(async () => {
  await envoy?.stop();
  server.forceShutdown();
});

async function send(path: string, { method = "GET", body }: { method?: string; body?: string } = {}) {
  const response = await fetch(`http://127.0.0.1:${envoy.port}${path}`, {
    method,
    headers: { taskid: "1" },
    ...(body !== undefined && { body }),
  });
  return { status: response.status, json: await response.json(), allow: response.headers.get("allow") };
}

/** Values of a message type, as protobufjs takes them. */
function messages(of: protobuf.Type, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const fields = of.fieldsArray.map((field) => [field.name, values(field.resolve(), depth)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: [] }).map((message) => {
    for (const { oneof } of of.oneofsArray)
      for (const name of oneof.filter((each) => each in message).slice(1)) delete message[name];
    return message;
  });
}

const NUMBERS: Record<string, fc.Arbitrary<number>> = {
  int32: fc.integer(),
  uint32: fc.nat(),
  int64: fc.maxSafeInteger(),
  uint64: fc.maxSafeNat(),
  float: fc.constantFrom(0, -1.5, Math.fround(0.1), Math.fround(1e-30), 1e10, 16_777_216),
  double: fc.double({ noNaN: true, noDefaultInfinity: true }),
};

function values(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const within = field.resolvedType;
  let one: fc.Arbitrary<unknown> = NUMBERS[field.type] ?? fc.string({ unit: "grapheme", maxLength: 6 });
  if (field.type === "bool") one = fc.boolean();
  if (within instanceof protobuf.Enum) one = fc.constantFrom(...Object.values(within.values));
  if (within instanceof protobuf.Type)
    one = depth > 5 ? fc.constant({}) : messages(within.resolveAll() as protobuf.Type, depth + 1);
  if (field instanceof protobuf.MapField) {
    const key = field.keyType === "string" ? fc.string({ maxLength: 3 }) : fc.nat(99).map(String);
    return fc.dictionary(key, one, { maxKeys: 2, noNullPrototype: true });
  }
  return field.repeated ? fc.array(one, { maxLength: 2 }) : one;
}

/** What proto3's JSON is, with the defaults of what is neither a message nor one of several. */
function expected(of: protobuf.Type, message: Record<string, unknown>): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const field of of.fieldsArray.map((each) => each.resolve())) {
    const value = message[field.name];
    const single = (each: unknown): unknown => {
      if (field.resolvedType instanceof protobuf.Type)
        return expected(field.resolvedType, each as Record<string, unknown>);
      return field.resolvedType instanceof protobuf.Enum ? field.resolvedType.valuesById[Number(each)] : each;
    };
    if (field instanceof protobuf.MapField)
      json[field.name] = Object.fromEntries(
        Object.entries((value as object) ?? {}).map(([key, each]) => [key, single(each)]),
      );
    else if (field.repeated) json[field.name] = ((value as unknown[]) ?? []).map(single);
    else if (value !== undefined) json[field.name] = single(value);
    else if (!field.partOf && !(field.resolvedType instanceof protobuf.Type))
      json[field.name] = single(field.long ? 0 : field.typeDefault);
  }
  return json;
}

/** FP32 as it is printed and read: the shortest text. */
const comparable = (value: unknown) =>
  JSON.parse(JSON.stringify(value), (_, each) =>
    typeof each === "number" && !Number.isInteger(each) ? Math.fround(each) : each,
  );

describe("any message of the server", () => {
  const reply = (of: protobuf.Type, message: object) => of.encode(of.fromObject(message)).finish();

  it("ModelConfig", async () => {
    const config = type("ModelConfig");
    await fc.assert(
      fc.asyncProperty(messages(config), async (message) => {
        answer = reply(ModelConfigResponse, { config: message });
        const { status, json } = await send("/v2/models/m/config");
        expect(status).toBe(200);
        expect(comparable(json)).toEqual(comparable(expected(config, message)));
      }),
      { numRuns: 60 },
    );
  });

  it("ModelStatistics", async () => {
    await fc.assert(
      fc.asyncProperty(messages(type("ModelStatisticsResponse")), async (message) => {
        answer = reply(ModelStatisticsResponse, message);
        const { status, json } = await send("/v2/models/m/versions/3/stats");
        expect(status).toBe(200);
        // A duration that the server leaves out is one of 0.
        expect(withoutZeros(json)).toEqual(withoutZeros(expected(ModelStatisticsResponse, message)));
      }),
      { numRuns: 40 },
    );
  });

  it("RepositoryIndex", async () => {
    const models = [{ name: "é", version: "1", state: "READY" }, { name: "b" }];
    answer = reply(RepositoryIndexResponse, { models });
    const { status, json } = await send("/v2/repository/index", { method: "POST" });
    expect([status, json]).toEqual([200, models]);
    answer = new Uint8Array();
    expect((await send("/v2/repository/index", { method: "POST" })).json).toEqual([]);
  });
});

/** Without members that are 0, empty, or hold no others. */
function withoutZeros(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutZeros);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, each]) => [key, withoutZeros(each)] as const);
  return Object.fromEntries(
    members.filter(([, each]) => each !== 0 && JSON.stringify(each) !== "{}" && each !== ""),
  );
}

it("says what is asked for", async () => {
  answer = new Uint8Array();
  asked.length = 0;
  await send("/v2/models/a%20b/versions/2/config");
  await send("/v2/models/stats");
  await send("/v2/repository/index", { method: "POST" });
  await send("/v2/repository/index", { method: "POST", body: '{ "ready": true, "x": [1, {}] }' });
  await send("/v2/repository/index", { method: "POST", body: '{"ready":false}' });
  await send("/v2/repository/index", { method: "POST", body: '{"ready":null}' });
  const text = (value: string) => [value.length, ...Buffer.from(value)];
  expect(asked.map(({ method, request }) => [method, [...request]])).toEqual([
    ["ModelConfig", [0x0a, ...text("a b"), 0x12, ...text("2")]],
    ["ModelStatistics", []],
    ["RepositoryIndex", []],
    ["RepositoryIndex", [0x10, 1]],
    ["RepositoryIndex", []],
    ["RepositoryIndex", []],
  ]);
});

it.each(['{"ready":1}', '{"ready":true', "[]", "x", "{}{}"])("a body of %s is refused", async (body) => {
  const { status, json } = await send("/v2/repository/index", { method: "POST", body });
  expect([status, json.reason]).toEqual([400, "json_malformed"]);
});

it.each([
  ["GET", "/v2/repository/index", "POST"],
  ["POST", "/v2/models/m/config", "GET, HEAD"],
  ["POST", "/v2/models/stats", "GET, HEAD"],
])("%s %s is refused", async (method, path, allow) => {
  expect(await send(path, { method })).toMatchObject({ status: 405, allow });
});

it("the server's own errors reach the caller", async () => {
  answer = Object.assign(new Error(), { code: 5, details: "no model", metadata: new grpc.Metadata() });
  for (const asked of ["/v2/models/m/config", "/v2/models/m/stats"])
    expect(await send(asked)).toMatchObject({ status: 404, json: { error: "no model" } });
  for (const body of [undefined, "{}"])
    expect(
      await send("/v2/repository/index", { method: "POST", ...(body !== undefined && { body }) }),
    ).toMatchObject({ status: 404, json: { error: "no model" } });
});

it.each([
  ["GET", "/v2/trace/setting"],
  ["POST", "/v2/models/m/trace/setting"],
  ["POST", "/v2/models/m/versions/1/trace/setting"],
  ["POST", "/v2/repository/models/m/load"],
  ["POST", "/v2/repository/models/m/unload"],
  ["GET", "/v2/systemsharedmemory/status"],
  ["POST", "/v2/systemsharedmemory/region/r/register"],
  ["POST", "/v2/cudasharedmemory/unregister"],
  ["GET", "/v2/logging"],
])("%s %s is not passed, and the answer says why", async (method, path) => {
  const { status, json } = await send(path, { method });
  expect([status, json.reason]).toEqual([404, "management_not_passed"]);
  expect(json.error).toMatch(/load and unload, shared memory, trace and log settings/);
});
