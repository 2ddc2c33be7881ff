import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileAccessLog } from "../../../tools/envoy/access-log.ts";
import { bootstrap, wasmFilter } from "../../../tools/envoy/bootstrap.ts";
import type { EnvoySource } from "../../../tools/envoy/find.ts";
import { startEnvoy } from "../../../tools/envoy/process.ts";
import { modulePath } from "../../../tools/wasm/modules.ts";
import { separateFilters } from "../../support/separate-filters.ts";
import type { Issuer } from "../issuer.ts";
import { forLargeBodies } from "../large-bodies.ts";
import { apiKeyAuth, grpcJsonTranscoder, jsonAccessLog, jwtAuthn, localRateLimitByTask } from "../native.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";
import type { Call } from "./cells.ts";
import { ANSWERED_TASK, type Dialect, LIMITED_TASK, MODEL_TASK } from "./requests.ts";

export const PLAIN = "no filter";
export const NATIVE = "native chain, jwt_authn";
export const OURS = "gateway.wasm";

/** A gateway that does the whole chain, or the plain one that what is added is counted from. */
export interface Gateway {
  name: string;
  /** Header of a caller it knows, and of one it must refuse. */
  credential: Record<string, string>;
  unknown: Record<string, string>;
  dialect: Dialect;
  calls: Call[];
  /** Where it writes a line a request. */
  logFile: string;
  /** WebAssembly modules it runs. */
  modules: string[];
  /** Compiles itself as it runs, so that it must run for a while before it is measured. */
  warmsUp?: boolean;
  start(options: StartOptions): Promise<RunningGateway>;
}

export interface StartOptions {
  workers: number;
  /** Of the model server, on 127.0.0.1. */
  modelPort: number;
  /** To listen on; 0 takes a free one. */
  port?: number;
}

const ALL: Call[] = ["GET", "JSON", "gRPC"];
const BUFFER_BYTES = 64 * 1024 * 1024;
const SEPARATE = ["tenant-auth", "rate-limit", "protocol-conversion", "access-log"] as const;
const KEYS = Array.from({ length: 1000 }, (_, i) => `secret-key-number-${i}`);
/** Never reached, but of the task whose limit is checked. */
const RATE = 100_000_000;
export const LIMITS = [
  { taskid: MODEL_TASK, requestsPerSecond: RATE },
  { taskid: ANSWERED_TASK, requestsPerSecond: RATE },
  { taskid: LIMITED_TASK, requestsPerSecond: 1 },
];

/** @param folder where logs go */
export function gatewaysOf(envoy: EnvoySource, issuer: Issuer, folder: string): Gateway[] {
  const token = issuer.token();
  const byToken = {
    credential: { authorization: `Bearer ${token}` },
    unknown: { authorization: `Bearer ${forged(token)}` },
    calls: ALL,
  };
  const byKey = {
    credential: { "x-api-key": KEYS[7] as string },
    unknown: { "x-api-key": "no-such-key" },
    calls: ["GET" as const],
  };
  const config = pluginConfig(issuer);
  const native = (cached: boolean) => [
    jwtAuthn(issuer.issuer, issuer.audiences, issuer.jwks, cached),
    localRateLimitByTask(LIMITS),
    grpcJsonTranscoder(),
  ];
  const ours = [wasmFilter("gateway", modulePath("gateway"), config)];
  let logs = 0;
  const logged = (log: (path: string) => object): Logged => {
    const logFile = join(folder, `${logs++}.log`);
    return { logFile, accessLogs: [log(logFile)] };
  };
  const envoyWith = (
    name: string,
    filters: object[],
    { logFile, accessLogs }: Logged,
    more: Pick<Gateway, "credential" | "unknown" | "calls"> & Partial<Gateway> & { buffers?: boolean },
  ): Gateway => ({
    ...{ name, logFile, dialect: "REST", modules: [] },
    ...more,
    start: ({ workers, modelPort, port = 0 }) => {
      const tasks = [{ taskid: MODEL_TASK, port: modelPort }];
      const whole = bootstrap({ tasks, routes: ANSWERS, filters, accessLogs, port });
      const tuned = forLargeBodies(whole, more.buffers ? BUFFER_BYTES : undefined);
      return startEnvoy({ envoy, concurrency: workers, bootstrap: tuned });
    },
  });
  const transcodes = { ...byToken, dialect: "protobuf, gRPC path" as const, buffers: true };
  const module = [modulePath("gateway")];
  return [
    envoyWith(PLAIN, [], { logFile: "", accessLogs: [] }, byToken),
    envoyWith(NATIVE, native(false), logged(jsonAccessLog), transcodes),
    envoyWith(`${NATIVE} with its cache`, native(true), logged(jsonAccessLog), transcodes),
    envoyWith(OURS, ours, logged(fileAccessLog), { ...byToken, modules: module }),
    envoyWith("our stages as separate filters", separateFilters(config), logged(fileAccessLog), {
      ...byToken,
      modules: SEPARATE.map(modulePath),
    }),
    envoyWith(
      "native api_key_auth + local_ratelimit + log",
      [apiKeyAuth(KEYS), localRateLimitByTask(LIMITS)],
      logged(jsonAccessLog),
      byKey,
    ),
    envoyWith(`${OURS}, API key`, ours, logged(fileAccessLog), { ...byKey, modules: module }),
  ];
}

interface Logged {
  logFile: string;
  accessLogs: object[];
}

/** Envoy answers itself what is not for the model server. */
const ANSWERS = [ANSWERED_TASK, LIMITED_TASK].map((exact) => ({
  match: { prefix: "/", headers: [{ name: "taskid", string_match: { exact } }] },
  direct_response: { status: 200, body: { inline_string: "ok" } },
}));

/** The same claims under a signature that another one's first bytes were put into. */
function forged(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  return `${token.slice(0, at)}${token.slice(at, at + 8) === "AAAAAAAA" ? "BBBBBBBB" : "AAAAAAAA"}${token.slice(at + 8)}`;
}

function pluginConfig({ issuer, audiences, jwks, subject }: Issuer) {
  const keys = KEYS.map((key, i) => ({
    id: `c${i}`,
    sha256: createHash("sha256").update(key).digest("hex"),
  }));
  return {
    tenantAuth: {
      issuers: [{ issuer, audiences, jwks }],
      tenants: [
        {
          tenant: "bench",
          credentials: [...keys, { id: "batch", token: { issuer, subject } }],
          tasks: LIMITS.map(({ taskid }) => ({ task: taskid })),
        },
      ],
    },
    rateLimit: { tasks: LIMITS, tenants: [] },
    protocolConversion: { tasks: [{ taskid: MODEL_TASK }], maxMemoryBytes: 1024 ** 3 },
    accessLog: {},
  };
}
