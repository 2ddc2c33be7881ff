import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { DEFAULT_PROTECTION } from "../../tools/lib/envoy/protection.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf } from "../support/auth.ts";
import { pluginConfig, startTestGateway, type TestGateway } from "../support/gateway.ts";
import { pace, quiet } from "../support/pace.ts";
import { until } from "../support/until.ts";

/** Requests that never become whole, by one client: all others are served as if there were none. */

const INFER = "/v2/models/linear/infer";
const BODY = JSON.stringify({
  inputs: [{ name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] }],
});
const IN_FLIGHT = 16;
const SHARE = 40;
const REQUEST_TIMEOUT_MS = 6000;

let gateway: TestGateway;
const sessions: ClientHttp2Session[] = [];

beforeAll(async () => {
  const [tenant] = pluginConfig.tenantAuth.tenants;
  const config = {
    ...pluginConfig,
    tenantAuth: {
      tenants: [
        {
          ...tenant,
          credentials: ["attacker", "other"].map((id) => ({ id, sha256: digestOf(`key of ${id}`) })),
        },
      ],
    },
    rateLimit: {
      tasks: [{ taskid: "666", maxInFlight: IN_FLIGHT }],
      shares: { percent: 50, maxInFlight: SHARE },
    },
  };
  gateway = await startTestGateway([wasmFilter("gateway", modulePath("gateway"), config)], {
    protection: { ...DEFAULT_PROTECTION, requestTimeoutMs: REQUEST_TIMEOUT_MS },
  });
});
afterEach(() => {
  for (const session of sessions.splice(0)) session.destroy();
});
afterAll(() => gateway?.stop());

interface Unfinished {
  stream: ClientHttp2Stream;
  status: number | undefined;
}

/** Opens POSTs on one connection with half of a body each. */
function open(count: number, taskid: string): Unfinished[] {
  const session = connect(`http://127.0.0.1:${gateway.envoy.port}`).on("error", () => {});
  sessions.push(session);
  return Array.from({ length: count }, () => {
    const stream = session.request({
      ":method": "POST",
      ":path": INFER,
      "x-api-key": "key of attacker",
      taskid,
    });
    const unfinished: Unfinished = { stream, status: undefined };
    stream.on("response", (headers) => {
      unfinished.status = headers[":status"];
    });
    stream.on("error", () => {}).resume();
    stream.write(BODY.slice(0, BODY.length / 2));
    return unfinished;
  });
}

const other = (taskid: string) =>
  gateway.post(INFER, BODY, { "x-api-key": "key of other", taskid }).then(({ status }) => status);

const answered = (streams: Unfinished[]) => streams.filter(({ status }) => status !== undefined);

async function someAnswered(streams: Unfinished[], count: number): Promise<void> {
  const message = () => `only ${answered(streams).length} of ${count} are answered`;
  await until(() => answered(streams).length >= count, { message });
}

it("16 bodies that come a space a second take no permit of a task of 16", async () => {
  const streams = open(IN_FLIGHT, "666");
  await someAnswered(streams, IN_FLIGHT / 2);
  expect(answered(streams).map(({ status }) => status)).toEqual(Array(IN_FLIGHT / 2).fill(429));
  for (let second = 0; second < 3; second++) {
    for (const { stream } of streams) if (!stream.closed) stream.write(" ");
    expect(await Promise.all(Array.from({ length: IN_FLIGHT / 2 }, () => other("666")))).toEqual(
      Array(IN_FLIGHT / 2).fill(200),
    );
    await pace(1000);
  }
  expect(answered(streams).length).toBe(IN_FLIGHT / 2);
});

it("a body that has not come in time ends its request", async () => {
  const [unfinished] = open(1, "666") as [Unfinished];
  for (let second = 0; second < 10 && unfinished.status === undefined; second++) {
    if (!unfinished.stream.closed) unfinished.stream.write(" ");
    await pace(1000);
  }
  expect(unfinished.status).toBe(408);
});

it("1,100 unfinished requests over 11 connections leave a task without a limit to the others", async () => {
  const streams = Array.from({ length: 11 }, () => open(100, "v")).flat();
  await someAnswered(streams, streams.length - SHARE);
  expect(answered(streams).length).toBe(streams.length - SHARE);
  const statuses = await Promise.all(
    Array.from({ length: 20 }, () =>
      gateway.post(INFER, BODY, { "x-api-key": "key of other", taskid: "v", version: "v1" }),
    ),
  );
  expect(statuses.map(({ status }) => status)).toEqual(Array(20).fill(200));
});

it("the client has its own share back when its streams end", async () => {
  const streams = open(IN_FLIGHT / 2, "666");
  await quiet(300);
  expect(answered(streams)).toEqual([]);
  for (const { stream } of streams) stream.end(BODY.slice(BODY.length / 2));
  await someAnswered(streams, streams.length);
  expect(streams.map(({ status }) => status)).toEqual(Array(IN_FLIGHT / 2).fill(200));
});
