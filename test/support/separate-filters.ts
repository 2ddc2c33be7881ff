import { wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";

const STAGES = {
  "access-log": "accessLog",
  "tenant-auth": "tenantAuth",
  "rate-limit": "rateLimit",
  "protocol-conversion": "protocolConversion",
} as const;

/**
 * The stages as filters of their own, each with its part of a configuration of `gateway.wasm`. The log comes first, so
 * that it sees the request as the client sent it.
 */
export function separateFilters(
  pluginConfig: Record<(typeof STAGES)[keyof typeof STAGES], object>,
): object[] {
  return (Object.keys(STAGES) as (keyof typeof STAGES)[]).map((name) =>
    wasmFilter(name, modulePath(name), { [STAGES[name]]: pluginConfig[STAGES[name]] }),
  );
}
