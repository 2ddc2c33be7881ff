import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { byKind } from "../../tools/api/cross-check.ts";
import { loadResources } from "../../tools/api/load.ts";
import { bodyBufferBytes, modelNameConfig, modelNameRoute } from "../../tools/cluster/istio/model-name.ts";
import { pluginConfig } from "../../tools/cluster/istio/plugin-config.ts";
import { reportCluster } from "../../tools/cluster/istio/rate-limit-config.ts";
import { bootstrap, httpCluster, taskCluster, wasmFilter } from "../../tools/lib/envoy/bootstrap.ts";
import { findEnvoy } from "../../tools/lib/envoy/find.ts";
import { type RunningEnvoy, startEnvoy } from "../../tools/lib/envoy/process.ts";
import { temporaryFolder } from "../../tools/lib/temporary-folder.ts";
import { modulePath } from "../../tools/lib/wasm/modules.ts";
import { FileBudgetStore } from "../../tools/servers/budgets/file-store.ts";
import { digestOf, KEY } from "../support/auth.ts";
import { freePort } from "../support/free-port.ts";
import { until } from "../support/until.ts";
import { startTokenServer, type TokenServer } from "./token-server.ts";

const MODELGATE = fileURLToPath(new URL("../../tools/cli/modelgate.ts", import.meta.url));

export interface Stack {
  server: TokenServer;
  /** What is stored of an account: spent, and what gateways had in hand that are gone. */
  account(name: string): Promise<{ spent: number; unknown: number } | undefined>;
  startController(): Promise<void>;
  killController(): Promise<void>;
  startGateway(pod: string): Promise<RunningEnvoy>;
  stop(): Promise<void>;
}

/**
 * Real parts on this machine: `modelgate controller` as a process of its own, with its budgets in a folder, and
 * Envoys as gateway pods of one Tenant, in front of a model server of known speed.
 * @param tenant members of the Tenant's spec, and @param limits of the task's `openai.tokenLimits`
 */
export async function startStack(tenant: object, limits?: object): Promise<Stack> {
  const folder = await temporaryFolder(join(tmpdir(), "modelgate-tokens-"));
  const files = await temporaryFolder(join(tmpdir(), "modelgate-tokens-resources-"));
  const file = join(files.path, "resources.json");
  await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: resources(tenant, limits) }));
  const server = await startTokenServer();
  const [port, envoyProgram] = [await freePort(), await findEnvoy()];
  const store = join(folder.path, "budgets");
  const envoys = new Set<RunningEnvoy>();
  let controller: { kill(): Promise<void> } | undefined;
  return {
    server,
    async account(name) {
      const stored = await new FileBudgetStore(store).load("search");
      return stored?.state.accounts[name];
    },
    async startController() {
      controller = await spawnController(files.path, store, port);
    },
    async killController() {
      await controller?.kill();
      controller = undefined;
    },
    async startGateway(pod) {
      const envoy = await startEnvoy({
        envoy: envoyProgram,
        concurrency: 1,
        bootstrap: await gatewayBootstrap(file, pod, port, server.port),
      });
      envoys.add(envoy);
      return envoy;
    },
    async stop() {
      await Promise.all([...envoys].map((each) => each.stop()));
      await controller?.kill();
      await server.stop();
      await Promise.all([folder.remove(), files.remove()]);
    },
  };
}

function resources(tenant: object, limits: object | undefined): object[] {
  const apiVersion = "modelgate.dev/v1alpha1";
  return [
    {
      ...{ apiVersion, kind: "Tenant", metadata: { name: "search" } },
      spec: {
        ...{ namespaces: ["search"], tasks: [{ task: "*" }] },
        gateway: { name: "gateway", namespace: "search", hosts: ["*"] },
        credentials: [{ id: "app", sha256: digestOf(KEY) }],
        credentialShare: { percent: 100 },
        ...tenant,
      },
    },
    {
      ...{ apiVersion, kind: "ModelTask" },
      metadata: { name: "llm", namespace: "search", annotations: { "modelgate.dev/replicas": "4" } },
      spec: {
        ...{ taskid: "llm", tenant: "search", service: { name: "llm" }, protocol: "openai" },
        ...(limits && { openai: { tokenLimits: limits } }),
      },
    },
  ];
}

async function gatewayBootstrap(file: string, pod: string, controllerPort: number, serverPort: number) {
  const { tenants, tasks: loaded } = byKind(await loadResources([file]));
  const tenant = tenants[0]?.resource;
  if (!tenant) throw new Error("there is no Tenant");
  const tasks = loaded.map(({ resource }) => resource);
  const address = { namespace: "modelgate-system", service: "controller", port: controllerPort };
  const config = pluginConfig(
    tenant,
    tasks,
    () => undefined,
    address,
    ({ spec }) => taskCluster(spec.taskid),
  );
  delete config.tenantAuth.removeCredentials;
  return bootstrap({
    tasks: [{ taskid: "llm", port: serverPort, http1: true, timeoutMs: 0 }],
    routes: [modelNameRoute()],
    bodyBufferBytes: bodyBufferBytes(tenant),
    filters: [
      wasmFilter("model-name", modulePath("gateway"), modelNameConfig(tenant, tasks) ?? {}),
      wasmFilter("gateway", modulePath("gateway"), config),
    ],
    clusters: [httpCluster(reportCluster(address), controllerPort)],
    node: pod,
  });
}

async function spawnController(folder: string, store: string, port: number) {
  const address = ["--listen", `127.0.0.1:${port}`, "--admin", "127.0.0.1:0"];
  const args = [MODELGATE, "controller", "--config", folder, ...address, "--budget-store", store];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
  const log: string[] = [];
  createInterface(child.stderr).on("line", (line) => log.push(line));
  await until(() => log.some((line) => line.includes('"url"')), {
    message: () => `the controller does not serve: ${log.join("\n")}`,
  });
  return {
    async kill() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

export interface Answered {
  status: number;
  /** Of a refusal. */
  reason: string;
  /** `x-ratelimit-limit-tokens`, and what is left of it. */
  quota: [string | null, string | null];
  /** Pieces of the answer that came. */
  pieces: number;
  /** Why it ended, as its last event but `[DONE]` says. */
  finish: string;
  isDone: boolean;
}

/** A chat. @param stopBehind the caller hangs up behind so many pieces */
export async function chat(
  { port }: { port: number },
  { tokens, stream = true, stopBehind }: { tokens: number; stream?: boolean; stopBehind?: number },
): Promise<Answered> {
  const abort = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "llm", messages: [], max_tokens: tokens, stream }),
    signal: abort.signal,
  });
  const { headers } = response;
  const quota: Answered["quota"] = [
    headers.get("x-ratelimit-limit-tokens"),
    headers.get("x-ratelimit-remaining-tokens"),
  ];
  const answered = { status: response.status, quota, reason: "", pieces: 0, finish: "", isDone: false };
  if (response.status !== 200 || !stream) {
    const { error } = (await response.json()) as { error?: { reason: string } };
    return { ...answered, reason: error?.reason ?? "" };
  }
  let rest = "";
  try {
    for await (const chunk of response.body ?? []) {
      const lines = (rest + Buffer.from(chunk).toString()).split("\n\n");
      rest = lines.pop() ?? "";
      for (const line of lines) readEvent(line.slice("data: ".length), answered);
      if (answered.pieces >= (stopBehind ?? Number.POSITIVE_INFINITY)) abort.abort();
    }
  } catch (error) {
    // A stream that the gateway has ended breaks off behind its end.
    if (!abort.signal.aborted && !answered.isDone) throw error;
  }
  return answered;
}

function readEvent(data: string, answered: Answered): void {
  if (data === "[DONE]") {
    answered.isDone = true;
    return;
  }
  const event = JSON.parse(data) as {
    choices?: { delta: { content?: string }; finish_reason: string | null }[];
  };
  const choice = event.choices?.[0];
  if (choice?.delta.content) answered.pieces++;
  if (choice?.finish_reason) answered.finish = choice.finish_reason;
}
