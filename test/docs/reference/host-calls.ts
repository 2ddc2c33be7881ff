import type { HeaderList } from "../../../tools/lib/host/header-pairs.ts";
import type { Stream } from "../../../tools/lib/host/stream.ts";
import { Vm } from "../../../tools/lib/host/vm.ts";
import { modulePath } from "../../../tools/lib/wasm/modules.ts";
import { digestOf, ISSUER, jwks, jwt, KEY } from "../../support/auth.ts";
import { frame, ModelInferResponse } from "../../support/conversion.ts";
import { page, table } from "./markdown.ts";

const CONFIGURATION = {
  tenantAuth: {
    publicPaths: [{ path: "/health" }],
    tenants: [
      {
        tenant: "search",
        credentials: [
          { id: "key", sha256: digestOf(KEY) },
          { id: "token", token: { issuer: ISSUER, subject: "batch" } },
        ],
        tasks: [{ task: "666" }, { task: "limited" }],
      },
    ],
    issuers: [{ issuer: ISSUER, audiences: ["models"], jwks }],
  },
  rateLimit: {
    tasks: [
      { taskid: "666", requestsPerSecond: 1e6 },
      { taskid: "limited", requestsPerSecond: 0.001, burst: 1 },
    ],
    tenants: [{ tenant: "search", requestsPerSecond: 1e6 }],
  },
  protocolConversion: { tasks: [{ taskid: "666" }] },
  accessLog: {},
};

/** Requests after which metrics are defined, tokens are leased ahead, and the first is within its limit. */
const WARM_UP = 50;

/** A kind of request, and how it goes through the filter. */
interface Kind {
  kind: string;
  headers: Record<string, string>;
  body?: string;
  response?: HeaderList;
  reply?: Uint8Array;
  /** Of a gRPC response. */
  trailers?: HeaderList;
}

/** Of gRPC. */
const EMPTY_MESSAGE = "\0".repeat(5);
const JSON_BODY = '{"inputs":[{"name":"x","shape":[2],"datatype":"INT32","data":[1,2]}]}';
/** A frame of gRPC with a ModelInferResponse that has a tensor `y` of two INT32. */
const TENSOR_REPLY = frame(
  ModelInferResponse.encode(
    ModelInferResponse.fromObject({
      outputs: [{ name: "y", datatype: "INT32", shape: [2] }],
      rawOutputContents: [new Uint8Array(8)],
    }),
  ).finish(),
);
const GRPC_REPLY: Pick<Kind, "response" | "trailers"> = {
  response: [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ],
  trailers: [["grpc-status", "0"]],
};
const API_KEY = { "x-api-key": KEY, taskid: "666" };

function kinds(): Kind[] {
  const get = { ":method": "GET", ":path": "/anything" };
  const grpc = {
    ":method": "POST",
    ":path": "/inference.GRPCInferenceService/ModelInfer",
    "content-type": "application/grpc",
  };
  const json = { ":method": "POST", ":path": "/v2/models/m/infer", "content-type": "application/json" };
  const plain: Pick<Kind, "response"> = { response: [[":status", "200"]] };
  return [
    { kind: "a public path", headers: { ":method": "GET", ":path": "/health", taskid: "666" }, ...plain },
    { kind: "gRPC, API key", headers: { ...grpc, ...API_KEY }, body: EMPTY_MESSAGE, ...GRPC_REPLY },
    {
      kind: "gRPC, a JWT seen before",
      headers: { ...grpc, authorization: `Bearer ${jwt()}`, taskid: "666" },
      body: EMPTY_MESSAGE,
      ...GRPC_REPLY,
    },
    {
      kind: "JSON to gRPC, API key",
      headers: { ...json, ...API_KEY },
      body: JSON_BODY,
      reply: TENSOR_REPLY,
      ...GRPC_REPLY,
    },
    { kind: "401: a wrong key", headers: { ...get, ...API_KEY, "x-api-key": "wrong" } },
    { kind: "403: a task of others", headers: { ...get, ...API_KEY, taskid: "667" } },
    { kind: "429: over the limit of the task", headers: { ...get, ...API_KEY, taskid: "limited" } },
  ];
}

/** The host calls of each kind of request by gateway.wasm, by callback, once its VM has seen such a request. */
export function hostCallsPage(): string {
  const vm = new Vm(modulePath("gateway"));
  if (!vm.configure(CONFIGURATION)) throw new Error(vm.logs.at(-1));
  const rows = kinds().map((kind) => {
    for (let i = 0; i < WARM_UP; i++) callsOf(vm, kind);
    const callbacks = callsOf(vm, kind);
    const all = callbacks.flatMap(({ calls }) => calls);
    const told = callbacks
      .filter(({ calls }) => calls.length > 0)
      .map(({ callback, calls }) => `${callback}: ${counted(calls)}`);
    return [kind.kind, String(all.length), told.join("<br>")];
  });
  return page(
    "Host calls",
    "How often `gateway.wasm` calls Envoy for a request, with rights, a limit of the task and one of the tenant, conversion and access log. Each call leaves the WebAssembly VM and comes back, tens of nanoseconds and what Envoy does in it; the first requests of a kind make some more. Tokens of limits come from shared data in batches, so most requests ask it for none.",
    table(["request", "calls", "by callback"], rows),
  );
}

interface Callback {
  callback: string;
  calls: string[];
}

function callsOf(vm: Vm, { headers, body, response, reply = new Uint8Array(5), trailers }: Kind): Callback[] {
  const callbacks: Callback[] = [];
  let stream: Stream | undefined;
  const step = (callback: string, run: () => void) => {
    vm.calls.length = 0;
    run();
    callbacks.push({ callback, calls: [...vm.calls] });
  };
  step("request headers", () => {
    stream = vm.open(headers);
  });
  if (stream === undefined) throw new Error("no stream");
  const opened = stream;
  if (body !== undefined) step("request body", () => opened.sendRequestBody(Buffer.from(body)));
  if (response && !opened.reply)
    step("response", () => opened.respond([...response], reply, reply.length, trailers === undefined));
  if (trailers && !opened.reply) step("response trailers", () => opened.endResponse([...trailers]));
  step("log", () => opened.close());
  return callbacks;
}

/** `a, 2 b`. */
function counted(calls: string[]): string {
  return [...Map.groupBy(calls, (call) => call)]
    .map(([call, all]) => (all.length === 1 ? `\`${call}\`` : `${all.length} \`${call}\``))
    .join(", ");
}
