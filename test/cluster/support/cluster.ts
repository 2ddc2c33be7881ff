import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KubeConfig } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { KubernetesClient } from "../../../tools/kubernetes/client.ts";
import type { Manifest } from "../../../tools/kubernetes/manifest.ts";
import { temporaryFolder } from "../../../tools/temporary-folder.ts";
import { PROJECT_ROOT } from "../../../tools/wasm/modules.ts";
import { startControlPlane } from "./api-server.ts";
import { startIstiod } from "./istiod.ts";
import { TestNode } from "./node.ts";
import type { Program } from "./process.ts";
import { program } from "./programs.ts";
import { startRegistry } from "./registry.ts";

const LOGS = fileURLToPath(new URL(".cache/cluster/logs", PROJECT_ROOT));

export interface Cluster {
  folder: string;
  /** Path of the administrator's kubeconfig. */
  kubeconfig: string;
  client: KubernetesClient;
  node: TestNode;
  istiod: Program;
  apply(...objects: Manifest[]): Promise<void>;
  stop(): Promise<void>;
}

/** A real API server with its controllers, istiod with Istio's and the Gateway API's CRDs, a registry, and one node. */
export async function startCluster(): Promise<Cluster> {
  const { path: folder, remove } = await temporaryFolder(join(tmpdir(), "modelgate-cluster-"));
  const [{ kubeconfig, programs }, registry] = await Promise.all([
    startControlPlane(folder),
    startRegistry(folder),
  ]);
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const client = new KubernetesClient(config);
  const apply = async (...objects: Manifest[]) => {
    for (const object of objects) await client.apply(object, { fieldManager: "cluster-test", force: true });
  };
  const istio = await Promise.all(
    ["crd-all.gen.yaml", "gateway-api-crd.yaml"].map((file) => program("istio", file)),
  );
  const own = ["tenants.yaml", "modeltasks.yaml"].map(
    (file) => new URL(`manifests/crds/${file}`, PROJECT_ROOT),
  );
  for (const file of [...istio, ...own]) {
    const documents = parseAllDocuments(await readFile(file, "utf8"));
    await Promise.all(documents.map((document) => apply(document.toJS())));
  }
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } });
  const istiod = await startIstiod(folder, kubeconfig);
  const node = new TestNode(config, folder);
  await node.start();
  return {
    folder,
    kubeconfig,
    client,
    node,
    istiod,
    apply,
    async stop() {
      await node.stop();
      for (const each of [istiod, ...programs, registry]) await each.stop();
      await keepLogs(folder);
      await remove();
    },
  };
}

/** Leaves the logs of the last run in `.cache/cluster/logs`. */
async function keepLogs(folder: string): Promise<void> {
  await rm(LOGS, { recursive: true, force: true });
  await mkdir(LOGS, { recursive: true });
  const logs = (await readdir(folder)).filter((name) => name.endsWith(".log"));
  await Promise.all(logs.map((name) => copyFile(join(folder, name), join(LOGS, name))));
}
