import { copyFile, mkdir, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import type { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { temporaryFolder } from "../../../tools/lib/temporary-folder.ts";
import { installDefinitions, startControlPlane } from "./api-server.ts";
import { startIstiod } from "./istiod.ts";
import { TestNode } from "./node.ts";
import type { Program } from "./process.ts";
import { startRegistry } from "./registry.ts";

const LOGS = fileURLToPath(new URL(".cache/cluster/logs", PROJECT_ROOT));

export interface Cluster {
  folder: string;
  /** Path of the administrator's kubeconfig. */
  kubeconfig: string;
  client: KubernetesClient;
  node: TestNode;
  istiod: Program;
  /** Takes the registry away until `work` is done. */
  withoutRegistry<T>(work: () => Promise<T>): Promise<T>;
  apply(...objects: Manifest[]): Promise<void>;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** Gateway pods drain as in production, until no connection is left. Default: they end after a second, whoever is connected. */
  withProxyMetadata?: boolean;
}

/** A real API server with its controllers, istiod with Istio's and the Gateway API's CRDs, a registry, and one node. */
export async function startCluster({ withProxyMetadata = false }: ClusterOptions = {}): Promise<Cluster> {
  const { path: folder, remove } = await temporaryFolder(join(tmpdir(), "modelgate-cluster-"));
  const [controlPlane, firstRegistry] = await Promise.all([startControlPlane(folder), startRegistry(folder)]);
  let registry = firstRegistry;
  const { kubeconfig, programs, client } = controlPlane;
  const apply = async (...objects: Manifest[]) => {
    for (const object of objects) await client.apply(object, { fieldManager: "cluster-test", force: true });
  };
  await installDefinitions(controlPlane);
  await apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: "istio-system" } });
  const istiod = await startIstiod(folder, kubeconfig);
  const node = new TestNode(client.config, folder, withProxyMetadata);
  await node.start();
  return {
    folder,
    kubeconfig,
    client,
    node,
    istiod,
    apply,
    async withoutRegistry(work) {
      await registry.stop();
      return work().finally(async () => {
        registry = await startRegistry(folder);
      });
    },
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
