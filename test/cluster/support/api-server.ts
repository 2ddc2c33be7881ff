import { generateKeyPairSync } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { Agent, get } from "node:https";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import { PROJECT_ROOT } from "../../../tools/lib/installation.ts";
import { KubernetesClient } from "../../../tools/lib/kubernetes/client.ts";
import type { Manifest } from "../../../tools/lib/kubernetes/manifest.ts";
import { until } from "../../support/until.ts";
import { answers, type Program, startProgram } from "./process.ts";
import { program } from "./programs.ts";

const TOKEN = "cluster-test-admin";
const PORT = 6443;
export const API_SERVER = `https://127.0.0.1:${PORT}`;
/** Controllers that act on what the tests create. Scheduler and kubelet are `node.ts`. */
const CONTROLLERS = [
  ...["deployment-controller", "replicaset-controller", "statefulset-controller"],
  ...["endpointslice-controller", "namespace-controller"],
  ...[
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "disruption-controller",
  ],
];

export interface ControlPlane {
  kubeconfig: string;
  client: KubernetesClient;
  programs: Program[];
}

/** Starts etcd, kube-apiserver and kube-controller-manager, with one user who may do everything. */
export async function startControlPlane(folder: string): Promise<ControlPlane> {
  const kubeconfig = join(folder, "kubeconfig");
  const key = join(folder, "service-account.key");
  const publicKey = join(folder, "service-account.pub");
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await writeFile(key, pair.privateKey.export({ type: "pkcs1", format: "pem" }));
  await writeFile(publicKey, pair.publicKey.export({ type: "spki", format: "pem" }));
  await writeFile(join(folder, "tokens.csv"), `${TOKEN},admin,admin,system:masters\n`);
  await writeFile(kubeconfig, kubeconfigFor("admin", TOKEN));

  const etcd = await startProgram({
    name: "etcd",
    folder,
    command: "etcd",
    args: [`--data-dir=${join(folder, "etcd")}`, "--log-level=warn", "--logger=zap"],
    env: { ETCD_UNSUPPORTED_ARCH: process.arch === "arm64" ? "arm64" : "" },
    ready: () => answers("http://127.0.0.1:2379/health"),
  });
  const apiServer = await startProgram({
    name: "kube-apiserver",
    folder,
    command: await program("kubernetes", "kube-apiserver"),
    args: [
      ...[
        "--etcd-servers=http://127.0.0.1:2379",
        `--secure-port=${PORT}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=10.88.0.1",
      ],
      ...[`--cert-dir=${join(folder, "certificates")}`, `--token-auth-file=${join(folder, "tokens.csv")}`],
      ...[`--service-account-key-file=${publicKey}`, `--service-account-signing-key-file=${key}`],
      ...[`--service-account-issuer=${API_SERVER}`, "--authorization-mode=RBAC"],
      ...["--service-cluster-ip-range=10.99.0.0/16", "--disable-admission-plugins=ServiceAccount"],
      // etcd 3.4 cannot report progress of a watch, which streaming lists need.
      ...["--feature-gates=WatchList=false", "--kubelet-preferred-address-types=InternalIP"],
    ],
    ready: () => readyz(),
  });
  const controllers = await startProgram({
    name: "kube-controller-manager",
    folder,
    command: await program("kubernetes", "kube-controller-manager"),
    args: [
      `--service-account-private-key-file=${key}`,
      ...[`--kubeconfig=${kubeconfig}`, `--controllers=${CONTROLLERS.join(",")}`, "--leader-elect=false"],
      ...["--bind-address=127.0.0.1", `--cert-dir=${join(folder, "certificates")}`],
      ...["--concurrent-deployment-syncs=5", "--feature-gates=WatchList=false,WatchListClient=false"],
    ],
    ready: async () => true,
  });
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return { kubeconfig, client: new KubernetesClient(config), programs: [controllers, apiServer, etcd] };
}

interface Definition extends Manifest {
  spec: { group: string; names: { kind: string }; versions: { name: string; served: boolean }[] };
}

/** Installs the custom resources of Istio, the Gateway API and Modelgate, and waits until they are served. */
export async function installDefinitions({ client }: ControlPlane): Promise<void> {
  const istio = await Promise.all(
    ["crd-all.gen.yaml", "gateway-api-crd.yaml"].map((file) => program("istio", file)),
  );
  const own = ["tenants.yaml", "modeltasks.yaml"].map(
    (file) => new URL(`manifests/crds/${file}`, PROJECT_ROOT),
  );
  const definitions: Definition[] = [];
  for (const file of [...istio, ...own]) {
    const documents = parseAllDocuments(await readFile(file, "utf8")).map((document) => document.toJS());
    await Promise.all(documents.map((each) => client.apply(each, { fieldManager: "cluster-test" })));
    definitions.push(...documents.filter(({ kind }) => kind === "CustomResourceDefinition"));
  }
  for (const { spec } of definitions)
    for (const { name } of spec.versions.filter(({ served }) => served))
      await until(() => client.knows(`${spec.group}/${name}`, spec.names.kind), {
        ...{ withinMs: 120_000, everyMs: 100, message: `the API server does not know ${spec.names.kind}` },
      });
}

/** A kubeconfig with one context, `cluster-test`. */
export function kubeconfigFor(user: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster-test", cluster: { server: API_SERVER, "insecure-skip-tls-verify": true } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name: "cluster-test", context: { cluster: "cluster-test", user } }],
    "current-context": "cluster-test",
  });
}

function readyz(): Promise<boolean> {
  const agent = new Agent({ rejectUnauthorized: false });
  return new Promise((resolve) => {
    get(`${API_SERVER}/readyz`, { agent, headers: { authorization: `Bearer ${TOKEN}` } }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once("error", () => resolve(false));
  });
}
