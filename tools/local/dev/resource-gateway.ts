import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "pino";
import { durationMilliseconds } from "../../api/fields.ts";
import { protectionOf } from "../../api/gateway-protection.ts";
import {
  idleMilliseconds,
  longestSilenceMilliseconds,
  type ModelTask,
  passesOpenAi,
} from "../../api/model-task.ts";
import type { Tenant } from "../../api/tenant.ts";
import { keptBack } from "../../api/traffic.ts";
import { lookupIn, type Secrets } from "../../cluster/deploy/secrets.ts";
import { fileLogOptions } from "../../cluster/istio/access-log-config.ts";
import { corsReplies } from "../../cluster/istio/cors-replies.ts";
import { checkFilter } from "../../cluster/istio/native-check.ts";
import { openAiReplies } from "../../cluster/istio/openai-replies.ts";
import { pluginConfig } from "../../cluster/istio/plugin-config.ts";
import { type ControllerAddress, reportCluster } from "../../cluster/istio/rate-limit-config.ts";
import {
  httpCluster,
  type TaskRoute,
  taskCluster,
  WASM_TYPE,
  wasmFilter,
} from "../../lib/envoy/bootstrap.ts";
import { compressor } from "../../lib/envoy/compressor.ts";
import { discoveredFilter, writeFilterConfig } from "../../lib/envoy/extension-config.ts";
import { temporaryFolder } from "../../lib/temporary-folder.ts";
import { modulePath } from "../../lib/wasm/modules.ts";
import { Budgets } from "../../servers/budgets/budgets.ts";
import { FileBudgetStore } from "../../servers/budgets/file-store.ts";
import { startController } from "../../servers/controller/controller.ts";
import { FileSource } from "../../servers/controller/file-source.ts";
import type { Inventory } from "../../servers/controller/inventory.ts";
import type { Source } from "../../servers/controller/source.ts";
import { type LocalGateway, type Served, startLocalGateway } from "./gateway.ts";
import { modelNameFilter, modelNameLimits, writeModelName } from "./model-name.ts";
import { converterFilter, listenerMetadata, writeConverters } from "./task-converters.ts";

/** Where a task's model server speaks gRPC. */
export type ServerAddresses = Map<string, ServerAddress>;

interface ServerAddress {
  host: string;
  port: number;
}

export interface ResourceGatewayOptions {
  /** Files and folders of one Tenant and its ModelTasks. */
  paths: string[];
  secrets: Secrets;
  /** Of tasks that the demo's model server does not serve. */
  servers: ServerAddresses;
  /** Of language models that `servers` does not name. */
  languageModel?: ServerAddress;
  log: Logger;
  /** An OTLP/HTTP receiver that gets a span of each request. */
  traces?: URL | undefined;
  envoy?: string | undefined;
  port?: number;
  concurrency?: number;
}

/**
 * The gateway of a Tenant on this machine: Envoy with what its resources render to, and a controller beside
 * it. All follow the files as they change, without a new VM but for a task's own converter, which is
 * swapped; a file at fault is logged, and what was before stays.
 * @throws InvalidResources; Error when there is not one Tenant
 */
export async function startResourceGateway(options: ResourceGatewayOptions): Promise<LocalGateway> {
  const { paths, log } = options;
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-dev-filter-"));
  const secrets = lookupIn(options.secrets);
  const files = new FileSource(paths, log, secrets);
  let first: Inventory | undefined;
  let follow = (inventory: Inventory) => {
    first = inventory;
  };
  // What the controller reads is the gateway's, too: files are read and checked once.
  const source: Source = {
    start: (onChange) =>
      files.start((inventory) => {
        onChange(inventory);
        follow(inventory);
      }),
    stop: () => files.stop(),
  };
  const budgets = new Budgets({ store: new FileBudgetStore(join(folder.path, "budgets")), log });
  const controller = await startController({ source, log, budgets });
  const address: ControllerAddress = {
    namespace: "modelgate-system",
    service: "modelgate-controller",
    port: controller.port,
  };
  const file = join(folder.path, "filter.json");
  const stop = async () => {
    await controller.stop();
    await folder.remove();
  };
  const serve = (inventory: Inventory): Served => ({
    ...served(inventory, options),
    filters: filtersOf(inventory, folder.path, file),
    clusters: [httpCluster(reportCluster(address), controller.port)],
  });
  const write = async (inventory: Inventory) => {
    const clusterOf = ({ spec }: ModelTask) => taskCluster(spec.taskid);
    const config = pluginConfig(localTenant(inventory), inventory.tasks, secrets, address, clusterOf);
    if (options.traces && config.tokenLimit) Object.assign(config.tokenLimit, { traced: true });
    // The routes here leave it to the filter.
    delete config.tenantAuth.removeCredentials;
    // A WasmPlugin can't say that headers may wait; the filter here does.
    Object.assign(config.protocolConversion, { holdsHeaders: true });
    await writeConverters(folder.path, inventory.tasks);
    await writeFilterConfig(file, wasmFilter("gateway", modulePath("gateway"), config));
    await writeModelName(folder.path, localTenant(inventory), inventory.tasks);
  };
  try {
    if (!first) throw new Error("no resources were read");
    await write(first);
    const { envoy, port, concurrency, traces } = options;
    const gateway = await startLocalGateway({ ...{ envoy, port, concurrency, traces }, ...serve(first) });
    const started = first;
    let followed = Promise.resolve();
    follow = (inventory) => {
      log.info("the resources changed");
      followed = followed
        .then(() => write(inventory))
        .then(() => gateway.update(serve(inventory)))
        .catch((error: Error) => log.error(error.message));
    };
    if (first !== started) follow(first);
    return {
      ...gateway,
      async stop() {
        await gateway.stop();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What the resources say of routes, connections, log lines and Envoy's own answers. */
function served(
  inventory: Inventory,
  { servers, languageModel }: Pick<ResourceGatewayOptions, "servers" | "languageModel">,
): Omit<Served, "filters"> {
  const { tasks } = inventory;
  const tenant = localTenant(inventory);
  return {
    metadata: listenerMetadata(tasks),
    tasks: tasks.map((task) => ({
      ...localRoute(task),
      ...(passesOpenAi(task.spec) && languageModel),
      ...servers.get(task.spec.taskid),
    })),
    protection: protectionOf(tenant.spec.gateway.protection, longestSilenceMilliseconds(tasks)),
    log: fileLogOptions(tenant),
    cors: corsReplies(tenant, tasks),
    openAi: openAiReplies(tasks),
    ...modelNameLimits(tenant, tasks),
  };
}

/** @param file the filter's configuration */
function filtersOf(inventory: Inventory, folder: string, file: string): object[] {
  const tenant = localTenant(inventory);
  const { responses } = tenant.spec.compression ?? {};
  return [
    ...(responses ? [compressor(responses.minBytes)] : []),
    ...modelNameFilter(folder, tenant, inventory.tasks),
    discoveredFilter("modelgate.gateway", file, WASM_TYPE),
    checkFilter(),
    ...converterFilter(folder, inventory.tasks),
  ];
}

/** What the task's routes in a cluster say. */
function localRoute(task: ModelTask): Omit<TaskRoute, "port"> {
  const { taskid, timeout, forwardHeaders, connectionPool } = task.spec;
  const idleMs = idleMilliseconds(task);
  return {
    taskid,
    timeoutMs: durationMilliseconds(timeout),
    ...(idleMs !== undefined && { idleMs }),
    removedHeaders: keptBack(forwardHeaders),
    maxRequestsPerConnection: connectionPool?.maxRequestsPerConnection,
    ...(passesOpenAi(task.spec) && { http1: true }),
  };
}

/** The Tenant, whose log goes to a file here: there is no collector. */
function localTenant(inventory: Inventory): Tenant {
  const tenant = structuredClone(oneTenant(inventory));
  delete tenant.spec.gateway.tuning.accessLog.collector;
  return tenant;
}

function oneTenant({ tenants }: Inventory): Tenant {
  const [tenant] = tenants;
  if (!tenant || tenants.length > 1)
    throw new Error(`a local gateway is one Tenant's; the files hold ${tenants.length}`);
  return tenant;
}
