import type { Server } from "node:https";
import { CoreV1Api, type KubeConfig, type V1Pod } from "@kubernetes/client-node";
import { startModelServer } from "../../../tools/serving/model-server/server.ts";
import { pace } from "../../support/pace.ts";
import { type GatewayPod, startGatewayPod } from "./gateway-pod.ts";
import { KUBELET_PORT, startKubelet } from "./kubelet.ts";
import { ScriptedServer } from "./scripted-server.ts";

/** The gateways' zone has the first node; a pod comes to the other one by its node selector. */
const ZONE_LABEL = "topology.kubernetes.io/zone";
const NODES = { "zone-a": "node-1", "zone-b": "node-2" };
const POLL_MS = 200;
const ENVOY_ADMIN_PORT = 15_000;
/** Image of a pod that runs the demo's model server. */
export const MODEL_SERVER_IMAGE = "model-server";
/** Image of a pod that runs a `ScriptedServer`. */
export const SCRIPTED_SERVER_IMAGE = "scripted-server";

interface RunningPod {
  ip: string;
  stop(): Promise<void> | void;
  gateway?: GatewayPod;
  scripted?: ScriptedServer;
}

const NODE_STATUS = {
  addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
  conditions: [{ type: "Ready", status: "True" }],
  daemonEndpoints: { kubeletEndpoint: { Port: KUBELET_PORT } },
};

/**
 * Stands in for scheduler and kubelet: it binds each pod to a node and runs it as processes of this machine:
 * a container `istio-proxy` as a gateway, the images above as model servers; others just count as running.
 */
export class TestNode {
  private readonly core: CoreV1Api;
  private readonly pods = new Map<string, RunningPod>();
  private readonly starting = new Set<string>();
  private readonly folder: string;
  private readonly withProxyMetadata: boolean;
  private stopped = false;
  private loop: Promise<void> | undefined;
  private kubelet: Server | undefined;
  private count = 0;
  /** What went wrong with pods. */
  readonly faults: string[] = [];

  /** @param withProxyMetadata see ClusterOptions */
  constructor(config: KubeConfig, folder: string, withProxyMetadata: boolean) {
    this.withProxyMetadata = withProxyMetadata;
    this.core = config.makeApiClient(CoreV1Api);
    this.folder = folder;
  }

  async start(): Promise<void> {
    this.kubelet = await startKubelet(this.folder, (pod, port) =>
      port === ENVOY_ADMIN_PORT ? (this.pods.get(pod)?.gateway?.adminPort ?? port) : port,
    );
    for (const [zone, name] of Object.entries(NODES)) {
      const labels = { "topology.kubernetes.io/region": "region", [ZONE_LABEL]: zone };
      await this.core.createNode({ body: { metadata: { name, labels } } });
      await this.core.patchNodeStatus({
        name,
        body: [{ op: "replace", path: "/status", value: NODE_STATUS }],
      });
    }
    this.loop = this.run();
  }

  /** Gateways that run, by pod name. */
  gateway(name: string): GatewayPod | undefined {
    return [...this.pods].find(([key]) => key.endsWith(`/${name}`))?.[1].gateway;
  }

  /** Scripted servers that run, by a prefix of their pods' names. */
  scripted(prefix: string): ScriptedServer[] {
    return [...this.pods].flatMap(([key, { scripted }]) =>
      scripted && key.split("/")[1]?.startsWith(prefix) ? [scripted] : [],
    );
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.loop;
    this.kubelet?.closeAllConnections();
    this.kubelet?.close();
    await Promise.all([...this.pods.values()].map((pod) => pod.stop()));
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const { items } = await this.core.listPodForAllNamespaces().catch(() => ({ items: [] }));
      for (const pod of items) await this.sync(pod);
      await pace(POLL_MS);
    }
  }

  private async sync(pod: V1Pod): Promise<void> {
    const { name = "", namespace = "", deletionTimestamp } = pod.metadata ?? {};
    const key = `${namespace}/${name}`;
    const running = this.pods.get(key);
    if (deletionTimestamp) {
      this.pods.delete(key);
      await running?.stop();
      await this.core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }).catch(() => undefined);
    } else if (!running && !this.starting.has(key)) {
      this.starting.add(key);
      void this.launch(pod, name, namespace, key).catch((error) => this.faults.push(`${key}: ${error}`));
    }
  }

  private async launch(pod: V1Pod, name: string, namespace: string, key: string): Promise<void> {
    const index = ++this.count;
    const ip = `10.88.1.${index}`;
    if (!pod.spec?.nodeName) {
      const zone = (pod.spec?.nodeSelector?.[ZONE_LABEL] ?? "zone-a") as keyof typeof NODES;
      const target = { kind: "Node", name: NODES[zone] };
      // The API answers with a Status, which the client can't read as a Binding.
      await this.core
        .createNamespacedPodBinding({ name, namespace, body: { metadata: { name }, target } })
        .catch(() => undefined);
    }
    await this.report(pod, ip, false);
    const containers = pod.spec?.containers ?? [];
    const portOf = (wanted: string) =>
      containers.find(({ image }) => image === wanted)?.ports?.[0]?.containerPort;
    const [models, scripts] = [portOf(MODEL_SERVER_IMAGE), portOf(SCRIPTED_SERVER_IMAGE)];
    if (containers.some((container) => container.name === "istio-proxy")) {
      const token = await this.tokenOf(pod);
      const environment = await this.environmentOf(pod);
      const { folder, withProxyMetadata } = this;
      const started = { folder, pod, ip, index, token, environment, withProxyMetadata };
      const gateway = await startGatewayPod(started);
      this.pods.set(key, { ip, gateway, stop: gateway.stop });
    } else if (models !== undefined) {
      const server = await startModelServer(models, ip);
      this.pods.set(key, { ip, stop: server.stop });
    } else if (scripts !== undefined) {
      const scripted = await ScriptedServer.start(scripts, ip);
      this.pods.set(key, { ip, scripted, stop: () => scripted.stop() });
    } else this.pods.set(key, { ip, stop: () => undefined });
    await this.report(pod, ip, true);
  }

  /** The variables of the proxy's container that come from Secrets, as far as these are there. */
  private async environmentOf({ metadata = {}, spec }: V1Pod): Promise<Record<string, string>> {
    const { namespace = "" } = metadata;
    const environment: Record<string, string> = {};
    for (const { name, valueFrom } of spec?.containers.find((each) => each.name === "istio-proxy")?.env ??
      []) {
      const { name: secret = "", key = "" } = valueFrom?.secretKeyRef ?? {};
      if (secret === "") continue;
      const held = await this.core.readNamespacedSecret({ name: secret, namespace }).catch(() => undefined);
      const value = held?.data?.[key];
      if (value !== undefined) environment[name] = Buffer.from(value, "base64").toString();
    }
    return environment;
  }

  /** What the kubelet would project into the pod for istiod. */
  private async tokenOf({ metadata = {}, spec }: V1Pod): Promise<string> {
    const { name = "", namespace = "", uid = "" } = metadata;
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name, uid };
    const { status } = await this.core.createNamespacedServiceAccountToken({
      ...{ name: spec?.serviceAccountName ?? "default", namespace },
      body: { spec: { audiences: ["istio-ca"], expirationSeconds: 3600, boundObjectRef } },
    });
    return status?.token ?? "";
  }

  private async report(pod: V1Pod, ip: string, ready: boolean): Promise<void> {
    const { name = "", namespace = "" } = pod.metadata ?? {};
    const status = ready ? "True" : "False";
    const value = {
      phase: ready ? "Running" : "Pending",
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: "127.0.0.1",
      startTime: new Date().toISOString(),
      conditions: ["Initialized", "ContainersReady", "Ready"].map((type) => ({ type, status })),
    };
    await this.core.patchNamespacedPodStatus({
      name,
      namespace,
      body: [{ op: "replace", path: "/status", value }],
    });
  }
}
