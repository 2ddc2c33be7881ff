import { tmpdir } from "node:os";
import { join } from "node:path";
import { protectionOf } from "../../tools/api/gateway-protection.ts";
import { type ModelTask, modelTask } from "../../tools/api/model-task.ts";
import { type Tenant, tenant } from "../../tools/api/tenant.ts";
import { checkFilter, localReplies } from "../../tools/cluster/istio/native-check.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { fileAccessLog } from "../../tools/lib/envoy/access-log.ts";
import { bootstrap, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { digestOf } from "../support/auth.ts";
import { Child } from "../support/child.ts";
import { settle } from "./scheduling.ts";

/** Requests a second that the attacker's task lets through; three in four are kept for the more important class. */
const TASK_RATE = 400;
const RESERVED_PERCENT = 75;
/** What is left to the attacker. */
export const ATTACKERS_RATE = (TASK_RATE * (100 - RESERVED_PERCENT)) / 100;
/** How long a model takes. */
export const MODEL_MS = 5;
const SLOTS = 64;
const IN_FLIGHT = 32;
const API = "modelgate.dev/v1alpha1";

/** Task that the attacker and one of its neighbours call. */
export const SHARED_TASK = "shared";
export const keyOf = (id: string) => `key of ${id}`;

function tenantOf(name: string, credentials: { id: string; priority?: string }[]): Tenant {
  const classes = [{ name: "online", reservedPercent: RESERVED_PERCENT }, { name: "offline" }];
  return tenant.parse({
    apiVersion: API,
    kind: "Tenant",
    metadata: { name },
    spec: {
      namespaces: ["models"],
      gateway: { name: `${name}-gateway`, namespace: "models", hosts: [`${name}.example`] },
      credentials: credentials.map((each) => ({ ...each, sha256: digestOf(keyOf(each.id)) })),
      priorities: { classes, default: "online" },
      tasks: [{ task: "*" }],
    },
  });
}

function taskOf(name: string, owner: Tenant): ModelTask {
  return modelTask.parse({
    apiVersion: API,
    kind: "ModelTask",
    metadata: { name, namespace: "models" },
    spec: {
      tenant: owner.metadata.name,
      taskid: name,
      service: { name, port: 8500 },
      conversion: { protocol: "openInference" },
      limits: { requestsPerSecond: TASK_RATE },
    },
  });
}

/** The configuration that `render` makes of each tenant, as one: both in one pod is the worst case. */
function configOf(tenants: Tenant[], tasks: ModelTask[]): object {
  const configs = tenants.map(
    (each) =>
      pluginConfig(
        each,
        tasks.filter(({ spec }) => spec.tenant === each.metadata.name),
        () => undefined,
      ) as unknown as Record<string, Record<string, object[]>>,
  );
  const [first] = configs;
  const both = (stage: string, list: string) => configs.flatMap((config) => config[stage]?.[list] ?? []);
  const limits = both("rateLimit", "tasks").map((each) => ({ ...each, maxInFlight: IN_FLIGHT }));
  return {
    ...first,
    tenantAuth: { ...first?.tenantAuth, tenants: both("tenantAuth", "tenants") },
    rateLimit: { ...first?.rateLimit, tasks: limits },
    protocolConversion: { ...first?.protocolConversion, tasks: both("protocolConversion", "tasks") },
  };
}

/** As a ModelTask has them by default. A model's own guard against resets ends a connection that others use. */
const RETRIES = { retry_on: "connect-failure,refused-stream,unavailable", num_retries: 2 };

export interface Stack {
  envoy: RunningEnvoy;
  stop(): Promise<void>;
}

/**
 * Two tenants behind one Envoy with one worker, and a model server for each of their three tasks.
 * @param role of the Envoy
 */
export async function startStack(role: "envoy" | "standIn"): Promise<Stack> {
  const search = tenantOf("search", [
    { id: "attacker", priority: "offline" },
    { id: "colleague" },
    { id: "beside" },
  ]);
  const maps = tenantOf("maps", [{ id: "maps" }, { id: "other-maps" }]);
  const tasks = [taskOf(SHARED_TASK, search), taskOf("beside", search), taskOf("maps", maps)];
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-neighbours-"));
  const models = tasks.map(() => Child.model(0, SLOTS, MODEL_MS));
  const ports = await Promise.all(models.map((model) => model.printed(/^(\d+)$/)));
  const envoy = await startEnvoy({
    envoy: await findEnvoy(),
    concurrency: 1,
    bootstrap: bootstrap({
      tasks: tasks.map(({ spec }, index) => ({ taskid: spec.taskid, port: Number(ports[index]) })),
      routes: tasks.map(({ spec }) => ({
        match: { prefix: "/", headers: [{ name: "taskid", string_match: { exact: spec.taskid } }] },
        route: { cluster: `task-${spec.taskid}`, timeout: "15s", retry_policy: RETRIES },
      })),
      filters: [wasmFilter("gateway", modulePath("gateway"), configOf([search, maps], tasks)), checkFilter()],
      localReplies: localReplies(true, []),
      accessLogs: [fileAccessLog(join(folder.path, "access.log"))],
      protection: protectionOf(search.spec.gateway.protection, 0),
    }),
  });
  if (envoy.pid === undefined)
    throw new Error("the lane sets Envoy's core: run it with a program, not an image");
  settle(envoy.pid, role);
  for (const [index, { process }] of models.entries())
    settle(process.pid as number, tasks[index]?.spec.taskid === SHARED_TASK ? "attackedModel" : "model");
  return {
    envoy,
    async stop() {
      await envoy.stop();
      await Promise.all(models.map((model) => model.stop()));
      await folder.remove();
    },
  };
}
