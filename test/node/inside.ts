import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { NODE, type NodeSettings, SECOND_NODE } from "./support/addresses.ts";
import * as configurations from "./support/configurations.ts";
import { type Actions, serveControl } from "./support/control.ts";
import { Identities } from "./support/identities.ts";
import { prepareMachine, prepareSecondNode, removePodCgroups } from "./support/machine.ts";
import { Programs } from "./support/programs.ts";

/**
 * The part of the lane that runs in the namespaces, as their first process: brings the node up, runs a command
 * beside it and takes the node down. It ends early when its standard input is closed.
 *   node inside.ts FOLDER ARCHIVE,... COMMAND ...
 */
const LOGS = fileURLToPath(new URL(".cache/cluster/logs-node", PROJECT_ROOT));
const [folder = "", archives = "", command = "", ...args] = process.argv.slice(2);
const started = Date.now();
const stopped = new AbortController();
process.stdin.on("end", () => stopped.abort()).resume();
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stopped.abort());

async function step<T>(what: string, work: () => Promise<T> | T): Promise<T> {
  if (stopped.signal.aborted) throw new Error("interrupted");
  const from = Date.now();
  const result = await work();
  const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(1);
  console.error(`node ${seconds(Date.now() - started)} s: ${what} (${seconds(Date.now() - from)} s)`);
  return result;
}

async function bringUp(programs: Programs, identities: Identities): Promise<void> {
  await bringUpRuntime(programs, NODE);
  await step("etcd", () => programs.etcd());
  await step("kube-apiserver", () => programs.apiServer());
  await step("kube-controller-manager, kube-scheduler", () => programs.controllers());
  await step("names and registry", async () => {
    await programs.nameServer(configurations.nameServerConfiguration(folder, identities));
    await programs.registry(configurations.registryConfiguration(folder));
  });
  await step("kube-proxy", async () => {
    const role = ["--clusterrole=system:node-proxier", "--user=system:kube-proxy"];
    await programs.kubectl("create", "clusterrolebinding", "node-proxier", ...role);
    await programs.proxy(configurations.proxyConfiguration(folder, identities));
  });
  await bringUpKubelet(programs, identities, NODE);
}

async function bringUpRuntime(programs: Programs, node: NodeSettings): Promise<void> {
  configurations.writeNetworkConfiguration(node);
  const configuration = configurations.containerdConfiguration(folder, node);
  await step(`containerd of ${node.name}`, () => programs.containerd(configuration, node));
  for (const archive of archives.split(","))
    await step(`image ${archive.split("/").at(-1)}`, () => programs.ctr(node, "images", "import", archive));
}

async function bringUpKubelet(programs: Programs, identities: Identities, node: NodeSettings): Promise<void> {
  const configuration = configurations.kubeletConfiguration(folder, identities, node);
  await step("kubelet", () => programs.kubelet(configuration, node));
  await step(`${node.name} is Ready`, async () => {
    await programs.kubectl("wait", "--for=create", `node/${node.name}`, "--timeout=60s");
    await programs.kubectl("wait", "--for=condition=Ready", `node/${node.name}`, "--timeout=120s");
  });
}

/** What tests can have done to the node while they run. */
function actions(programs: Programs, identities: Identities): Actions {
  return {
    "stop-registry": () => programs.stopOne("docker-registry"),
    "start-registry": () => programs.startAgain("docker-registry"),
    "stop-kubelet": () => programs.stopOne("kubelet"),
    "start-kubelet": () => programs.startAgain("kubelet"),
    "add-node": async () => {
      if (programs.has(`kubelet${SECOND_NODE.suffix}`)) return;
      prepareSecondNode(folder);
      await bringUpRuntime(programs, SECOND_NODE);
      await bringUpKubelet(programs, identities, SECOND_NODE);
    },
  };
}

function runCommand(kubeconfig: string): Promise<number> {
  const child = spawn(command, args, {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, KUBECONFIG: kubeconfig, NODE_STARTED_MS: String(started) },
  });
  stopped.signal.addEventListener("abort", () => child.kill("SIGTERM"));
  return new Promise((resolve) => child.once("exit", (code) => resolve(code ?? 1)));
}

/** Leaves the logs of the last run in the cache. */
function keepLogs(): void {
  rmSync(LOGS, { recursive: true, force: true });
  mkdirSync(LOGS, { recursive: true });
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".log")))
    copyFileSync(join(folder, name), join(LOGS, name));
}

let code = 1;
try {
  await step("namespaces, cgroups, network", () => prepareMachine(folder));
  const identities = new Identities(folder);
  const programs = new Programs(folder, identities);
  try {
    await bringUp(programs, identities);
    await serveControl(folder, actions(programs, identities));
    code = await runCommand(identities.kubeconfig("admin"));
  } finally {
    await programs.stop();
    keepLogs();
    removePodCgroups();
    console.error(`node ${((Date.now() - started) / 1000).toFixed(1)} s: taken down`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
}
process.exit(stopped.signal.aborted ? 130 : code);
