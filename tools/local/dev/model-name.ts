import { join } from "node:path";
import type { ModelTask } from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import {
  bodyBufferBytes,
  MODEL_NAME,
  modelNameConfig,
  modelNameRoute,
} from "../../cluster/istio/model-name.ts";
import { WASM_TYPE, wasmFilter } from "../../lib/envoy/bootstrap.ts";
import { discoveredFilter, writeFilterConfig } from "../../lib/envoy/extension-config.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import type { Served } from "./gateway.ts";

/** Writes the configuration of the filter that reads which model a body names, if a task needs one. */
export async function writeModelName(folder: string, tenant: Tenant, tasks: ModelTask[]): Promise<void> {
  const config = modelNameConfig(tenant, tasks);
  if (config) await writeFilterConfig(file(folder), wasmFilter("model-name", modulePath("gateway"), config));
}

/**
 * The filter that runs what `writeModelName` wrote; none where no task is called by the name of its model.
 */
export function modelNameFilter(folder: string, tenant: Tenant, tasks: ModelTask[]): object[] {
  return modelNameConfig(tenant, tasks) ? [discoveredFilter(MODEL_NAME, file(folder), WASM_TYPE)] : [];
}

/** What lets that filter hold bodies. */
export function modelNameLimits(
  tenant: Tenant,
  tasks: ModelTask[],
): Pick<Served, "routes" | "bodyBufferBytes"> {
  if (!modelNameConfig(tenant, tasks)) return {};
  return { bodyBufferBytes: bodyBufferBytes(tenant), routes: [modelNameRoute()] };
}

function file(folder: string): string {
  return join(folder, "model-name.json");
}
