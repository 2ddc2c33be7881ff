import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileAccessLog } from "../../../tools/lib/envoy/access-log.ts";
import { wasmFilter } from "../../../tools/lib/envoy/bootstrap.ts";
import type { EnvoySource } from "../../../tools/lib/envoy/find.ts";
import { modulePath } from "../../../tools/lib/wasm/modules.ts";
import { separateFilters } from "../../support/separate-filters.ts";
import type { Issuer } from "../issuer.ts";
import { apiKeyAuth, grpcJsonTranscoder, jsonAccessLog, jwtAuthn, localRateLimitByTask } from "../native.ts";
import type { RunningGateway } from "../peers/armeria-gateway.ts";
import type { Call } from "./cells.ts";
import { type EnvoyGatewayOptions, envoyGateway, type LogFormat } from "./envoy-gateway.ts";
import { ANSWERED_TASK, type Dialect, LIMITED_TASK, MODEL_TASK } from "./requests.ts";

export const PLAIN = "no filter";
/** The same once more: what is measured between the two is noise. */
export const CONTROL = "no filter, once more";
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

export const ALL_CALLS: Call[] = ["GET", "JSON", "gRPC"];
const KEYS = Array.from({ length: 1000 }, (_, i) => `secret-key-number-${i}`);
/** Never reached, but of the task whose limit is checked. */
const RATE = 100_000_000;
export const LIMITS = [
  { taskid: MODEL_TASK, requestsPerSecond: RATE },
  { taskid: ANSWERED_TASK, requestsPerSecond: RATE },
  { taskid: LIMITED_TASK, requestsPerSecond: 1 },
];

const SEPARATE = ["tenant-auth", "rate-limit", "protocol-conversion", "access-log"] as const;

/** Ours, and what Envoy has of its own. @param folder where logs go */
export function gatewaysOf(envoy: EnvoySource, issuer: Issuer, folder: string): Gateway[] {
  const { credential, unknown } = tokensOf(issuer);
  const byToken = { credential, unknown, calls: ALL_CALLS };
  const byKey = {
    credential: { "x-api-key": KEYS[7] as string },
    unknown: { "x-api-key": "no-such-key" },
    calls: ["GET" as const],
  };
  const config = pluginConfig(issuer);
  const ours = {
    filters: [wasmFilter("gateway", modulePath("gateway"), config)],
    modules: [modulePath("gateway")],
  };
  const native = (cached: boolean) => ({
    dialect: "protobuf, gRPC path" as const,
    buffers: true,
    filters: [
      jwtAuthn(issuer.issuer, issuer.audiences, issuer.jwks, cached),
      localRateLimitByTask(LIMITS),
      grpcJsonTranscoder(),
    ],
  });
  const log = (format: LogFormat, name: string) => ({ log: { format, file: join(folder, `${name}.log`) } });
  const gateways: EnvoyGatewayOptions[] = [
    { ...byToken, name: PLAIN, filters: [] },
    { ...byToken, name: CONTROL, filters: [] },
    { ...byToken, ...native(false), name: NATIVE, ...log(jsonAccessLog, "native") },
    { ...byToken, ...native(true), name: `${NATIVE} with its cache`, ...log(jsonAccessLog, "cached") },
    { ...byToken, ...ours, name: OURS, ...log(fileAccessLog, "gateway") },
    {
      ...{ ...byToken, name: "our stages as separate filters", ...log(fileAccessLog, "separate") },
      ...{ filters: separateFilters(config), modules: SEPARATE.map((name) => modulePath(name)) },
    },
    {
      ...{
        ...byKey,
        name: "native api_key_auth + local_ratelimit + log",
        ...log(jsonAccessLog, "native-key"),
      },
      filters: [apiKeyAuth(KEYS), localRateLimitByTask(LIMITS)],
    },
    { ...byKey, ...ours, name: `${OURS}, API key`, ...log(fileAccessLog, "gateway-key") },
  ];
  return gateways.map((gateway) => envoyGateway(envoy, gateway));
}

/** Headers of the caller that an issuer knows, and of one with a forged token. */
export function tokensOf(issuer: Issuer): Pick<Gateway, "credential" | "unknown"> {
  const token = issuer.token();
  return {
    credential: { authorization: `Bearer ${token}` },
    unknown: { authorization: `Bearer ${forged(token)}` },
  };
}

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
      // Routes do.
      removeCredentials: false,
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
