import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";
import { PROJECT_ROOT } from "../../tools/lib/installation.ts";
import { KubernetesClient } from "../../tools/lib/kubernetes/client.ts";
import { NODE_NAME } from "./support/addresses.ts";
import * as configurations from "./support/configurations.ts";
import { Identities } from "./support/identities.ts";
import { prepareMachine, removePodCgroups } from "./support/machine.ts";
import { startNameServer } from "./support/name-server.ts";
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
  configurations.writeNetworkConfiguration();
  await step("containerd", () => programs.containerd(configurations.containerdConfiguration(folder)));
  await step("etcd", () => programs.etcd());
  await step("kube-apiserver", () => programs.apiServer());
  await step("kube-controller-manager, kube-scheduler", () => programs.controllers());
  await step("names and registry", async () => {
    const config = new KubeConfig();
    config.loadFromFile(identities.kubeconfig("admin"));
    await startNameServer(new KubernetesClient(config));
    await programs.registry(configurations.registryConfiguration(folder));
  });
  for (const archive of archives.split(","))
    await step(`image ${archive.split("/").at(-1)}`, () => programs.ctr("images", "import", archive));
  await step("kubelet, kube-proxy", async () => {
    await programs.kubelet(configurations.kubeletConfiguration(folder, identities));
    const role = ["--clusterrole=system:node-proxier", "--user=system:kube-proxy"];
    await programs.kubectl("create", "clusterrolebinding", "node-proxier", ...role);
    await programs.proxy(configurations.proxyConfiguration(folder, identities));
  });
  await step("node is Ready", async () => {
    await programs.kubectl("wait", "--for=create", `node/${NODE_NAME}`, "--timeout=60s");
    await programs.kubectl("wait", "--for=condition=Ready", `node/${NODE_NAME}`, "--timeout=120s");
  });
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
