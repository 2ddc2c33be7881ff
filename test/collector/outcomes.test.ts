import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { checkFilter } from "../../tools/cluster/istio/native-check.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { startLocalGateway } from "../../tools/local/dev/gateway.ts";
import { protos } from "../../tools/serving/model-server/protos.ts";
import { startModelServer } from "../../tools/serving/model-server/server.ts";
import {
  COLUMNS,
  expectInNinePlaces,
  type Outcomes,
  startOtlpReceiver,
} from "../support/collector/nine-places.ts";
import { startTestCollector, testFolder } from "../support/collector/start.ts";
import { KEY, pluginConfig } from "../support/gateway.ts";
import { random } from "../support/random.ts";

/** Requests that real callers send to real model servers through Envoy, counted in every place. */

const EACH = 123;
const AT_ONCE = 24;
const INFER = protos["inference.GRPCInferenceService"] as grpc.ServiceDefinition;
const ROW = { name: "x", shape: [1, 8], datatype: "FP32", data: [1, 2, 3, 4, 5, 6, 7, 8] };
const BODY = JSON.stringify({ inputs: [ROW] });
/** Header that tells the model server which caller will leave. */
const LEAVER = "x-leaver";

type Outcome = keyof typeof COLUMNS;
/** A request, which says how it ended. */
type Send = () => Promise<Outcome>;

it("1,968 mixed requests: each place has as many of a class as callers and model servers saw", async () => {
  const folder = await testFolder();
  const broken = await startServer((_, callback) => callback({ code: grpc.status.INTERNAL, details: "no" }));
  const silent = await startServer(() => {});
  const leavers = new Map<string, () => void>();
  const left = await startServer(({ metadata }) => leavers.get(String(metadata.get(LEAVER)[0]))?.());
  const gone = await startModelServer();
  gone.stop();
  const gateway = await startLocalGateway({
    tasks: [
      ...["666", "limited", "forbidden"].map((taskid) => ({ taskid })),
      { taskid: "gone", port: gone.port },
      { taskid: "broken", port: broken.port },
      { taskid: "late", port: silent.port, timeoutMs: 100 },
      { taskid: "left", port: left.port, timeoutMs: 0 },
    ],
    filters: [wasmFilter("gateway", modulePath("gateway"), configuration()), checkFilter()],
  });
  onTestFinished(gateway.stop);
  const { accessLog, envoy } = gateway;
  const otlp = await startOtlpReceiver();
  onTestFinished(otlp.stop);
  const collector = await startTestCollector(folder, {
    globs: [accessLog],
    exports: { otlp: { url: otlp.url, headers: {} } },
    otlpMetricsMs: 200,
  });

  const kinds = kindsOf(envoy.port, leavers);
  const requests = shuffled(kinds.flatMap((send) => Array.from({ length: EACH }, () => send)));
  const expected: Outcomes = { served: 0, refused: 0, client_errors: 0, errors: 0 };
  const caller = async () => {
    for (let send = requests.pop(); send; send = requests.pop()) expected[COLUMNS[await send()]]++;
  };
  expect(requests).toHaveLength(1_968);
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  // Those of the broken server by HTTP and by gRPC, those too late, and those to a server that is gone.
  expect(expected.errors).toBe(4 * EACH);
  expect(broken.calls()).toBe(2 * EACH);
  await expectInNinePlaces(expected, { collector, file: accessLog, otlp });
});

function configuration(): object {
  const { tenantAuth, rateLimit, accessLog } = pluginConfig;
  const [tenant] = tenantAuth.tenants;
  const more = ["broken", "late", "left"];
  return {
    tenantAuth: {
      tenants: [{ ...tenant, tasks: [...(tenant?.tasks ?? []), ...more.map((task) => ({ task }))] }],
    },
    ...{ rateLimit, accessLog },
    protocolConversion: {
      tasks: ["666", "limited", "gone", "forbidden", ...more].map((taskid) => ({ taskid })),
    },
  };
}

/**
 * Sixteen kinds of requests; of each is known how it ends.
 * @param leavers gets what makes a caller leave, who waits for an answer
 */
function kindsOf(port: number, leavers: Map<string, () => void>): Send[] {
  const http =
    (status: number, outcome: Outcome, headers: Record<string, string>, path = "linear", body = BODY): Send =>
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v2/models/${path}/infer`, {
        method: "POST",
        headers: { "x-api-key": KEY, taskid: "666", ...headers },
        body,
      });
      await response.text();
      if (headers.taskid === "limited" && response.status === 200) return "served";
      expect(response.status, `${path} ${JSON.stringify(headers)}`).toBe(status);
      return outcome;
    };
  const left: Send = async () => {
    const leaver = randomUUID();
    const leaving = new AbortController();
    leavers.set(leaver, () => leaving.abort());
    const headers = { "x-api-key": KEY, taskid: "left", [LEAVER]: leaver };
    const url = `http://127.0.0.1:${port}/v2/models/linear/infer`;
    const answer = fetch(url, { method: "POST", headers, body: BODY, signal: leaving.signal });
    await expect(answer).rejects.toThrow("aborted");
    return "client_error";
  };
  const call = grpcCaller(port);
  const rpc =
    (code: grpc.status, outcome: Outcome, metadata: Record<string, string>, model = "echo"): Send =>
    async () => {
      expect(await call(model, { "x-api-key": KEY, taskid: "666", ...metadata })).toBe(code);
      return outcome;
    };
  const wrongShape = JSON.stringify({ inputs: [{ ...ROW, shape: [1, 7], data: ROW.data.slice(1) }] });
  return [
    http(200, "served", {}),
    http(200, "served", {}, "echo"),
    http(404, "client_error", {}, "nothing"),
    http(400, "client_error", {}, "linear", wrongShape),
    http(400, "refused", {}, "linear", `${BODY}}`),
    http(401, "refused", { "x-api-key": "wrong" }),
    http(403, "refused", { taskid: "forbidden" }),
    http(429, "refused", { taskid: "limited" }),
    http(503, "server_error", { taskid: "gone" }),
    http(500, "server_error", { taskid: "broken" }),
    http(504, "server_error", { taskid: "late" }),
    left,
    rpc(grpc.status.OK, "served", {}),
    rpc(grpc.status.NOT_FOUND, "client_error", {}, "nothing"),
    rpc(grpc.status.UNAUTHENTICATED, "refused", { "x-api-key": "wrong" }),
    rpc(grpc.status.INTERNAL, "server_error", { taskid: "broken" }),
  ];
}

/** Calls `ModelInfer` without inputs. @returns a function that resolves to the status */
function grpcCaller(port: number): (model: string, metadata: Record<string, string>) => Promise<grpc.status> {
  const Client = grpc.makeGenericClientConstructor(INFER, "GRPCInferenceService");
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  onTestFinished(() => client.close());
  const infer = promisify(client.ModelInfer as grpc.requestCallback<never> & ((...args: never[]) => void));
  return async (model, entries) => {
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
    try {
      await infer.call(client, { model_name: model } as never, metadata as never);
      return grpc.status.OK;
    } catch (error) {
      return (error as grpc.ServiceError).code;
    }
  };
}

/** A model server that does one thing to each call of `ModelInfer`. */
async function startServer(
  answer: grpc.handleUnaryCall<unknown, object>,
): Promise<{ port: number; calls(): number }> {
  let calls = 0;
  const server = new grpc.Server();
  const ModelInfer: grpc.handleUnaryCall<unknown, object> = (call, callback) => {
    calls++;
    answer(call, callback);
  };
  server.addService({ ModelInfer: INFER.ModelInfer } as grpc.ServiceDefinition, { ModelInfer });
  const bind = promisify(server.bindAsync).bind(server);
  const port = await bind("127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  onTestFinished(() => server.forceShutdown());
  return { port, calls: () => calls };
}

function shuffled<T>(values: T[]): T[] {
  const { below } = random();
  for (let i = values.length - 1; i > 0; i--) {
    const other = below(i + 1);
    [values[i], values[other]] = [values[other] as T, values[i] as T];
  }
  return values;
}
