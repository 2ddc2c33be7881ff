import { createHash } from "node:crypto";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { separateFilters } from "../support/separate-filters.ts";
import { apiKeyAuth, jsonAccessLog, localRateLimit, localRateLimitByTask, rbacByTask } from "./native.ts";
import type { Variant } from "./variants.ts";

const KEYS = Array.from({ length: 1000 }, (_, i) => `secret-key-number-${i}`);
const RATE = 100_000_000;
const LOG = "/dev/null";

const pluginConfig = {
  tenantAuth: {
    removeCredentials: false,
    tenants: [
      {
        tenant: "bench",
        credentials: KEYS.map((key, i) => ({
          id: `c${i}`,
          sha256: createHash("sha256").update(key).digest("hex"),
        })),
        tasks: [{ task: "666" }],
      },
    ],
  },
  rateLimit: { tasks: [{ taskid: "666", requestsPerSecond: RATE }], tenants: [] },
  protocolConversion: { tasks: [] },
  accessLog: {},
};

/** What the filters add to a small request that Envoy answers itself. */
export function headerPath(): Variant[] {
  const answer = {
    match: { prefix: "/" },
    direct_response: { status: 200, body: { inline_string: "ok" } },
  };
  const load = {
    path: "/v1/models/x:predict",
    headers: { "x-api-key": KEYS[7] as string, taskid: "666" },
    requests: 60_000,
    connections: 20,
  };
  const variant = (name: string, filters: object[], accessLogs: object[]): Variant => ({
    name,
    envoy: { tasks: [], routes: [answer], removedHeaders: ["x-api-key"], filters, accessLogs },
    load,
  });
  return [
    variant("no filter", [], []),
    variant(
      "native api_key_auth + local_ratelimit + JSON access log",
      [apiKeyAuth(KEYS), localRateLimit(RATE)],
      [jsonAccessLog(LOG)],
    ),
    variant(
      "native, with a right and a limit for each task",
      [
        apiKeyAuth(KEYS, "x-tenant"),
        rbacByTask("x-tenant", "666"),
        localRateLimitByTask([{ taskid: "666", requestsPerSecond: RATE }]),
      ],
      [jsonAccessLog(LOG)],
    ),
    variant(
      "gateway.wasm",
      [wasmFilter("gateway", modulePath("gateway"), pluginConfig)],
      [fileAccessLog(LOG)],
    ),
    variant("our stages as separate filters", separateFilters(pluginConfig), [fileAccessLog(LOG)]),
  ];
}
