import { Child } from "../support/child.ts";
import { until } from "../support/until.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Hooks } from "./hooks.ts";

/** Of each replica's model server: it takes so many requests at once, each for so long; the first ones take longer. */
const SLOTS = 32;
export const SERVICE_MS = 80;
const SLOW_REQUESTS = 16;
export const SLOW_MS = 600;
const LOADING_MS = 300;

const TASK = {
  ...{ apiVersion: "modelgate.dev/v1alpha1", kind: "ModelTask", metadata: { name: "ranking" } },
  spec: {
    ...{ taskid: "666", tenant: "search", service: { name: "ranking" } },
    warmUp: {
      request: { method: "/inference.GRPCInferenceService/ModelInfer", message: { model_name: "ranking" } },
      ...{ requests: SLOW_REQUESTS, concurrency: 8, success: { consecutive: 8, latency: "200ms" } },
    },
    drain: { endpointTimeout: "10s", requestTimeout: "5s" },
  },
};

export interface ReplicaOptions {
  endpoints: Endpoints;
  /** Admin interface of the gateway's Envoy. */
  gateway: string;
  /** Replicas are warmed up before they serve, and drained before they end; neither without hooks. */
  hooks: Hooks | undefined;
}

/**
 * Replicas of a model server, treated as Kubernetes treats pods: a replica that is ready becomes an endpoint, one that ends gets its preStop hook while
 * its endpoint is removed, then SIGTERM.
 */
export class Replicas {
  private readonly options: ReplicaOptions;
  private running: Replica[] = [];

  constructor(options: ReplicaOptions) {
    this.options = options;
  }

  /** To so many replicas, all new or old ones at once. */
  async scale(count: number): Promise<void> {
    const missing = Math.max(0, count - this.running.length);
    const started = await Promise.all(Array.from({ length: missing }, () => Replica.start(this.options)));
    const leaving = this.running.slice(count);
    this.running = [...this.running.slice(0, count), ...started];
    await Promise.all(leaving.map((replica) => replica.end()));
  }

  /** Puts a new replica in place of each, one after the other (maxSurge 1, maxUnavailable 0). */
  async roll(): Promise<void> {
    for (const old of [...this.running]) {
      this.running.push(await Replica.start(this.options));
      this.running = this.running.filter((replica) => replica !== old);
      await old.end();
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((replica) => replica.kill()));
  }
}

class Replica {
  private readonly model: Child;
  private readonly sidecar: Awaited<ReturnType<Hooks["sidecar"]>> | undefined;
  private readonly port: number;
  private readonly endpoints: Endpoints;

  private constructor(model: Child, sidecar: Replica["sidecar"], port: number, endpoints: Endpoints) {
    this.model = model;
    this.sidecar = sidecar;
    this.port = port;
    this.endpoints = endpoints;
  }

  /** Resolves when the gateway knows it. */
  static async start({ endpoints, gateway, hooks }: ReplicaOptions): Promise<Replica> {
    const model = Child.model(0, SLOTS, SERVICE_MS, SLOW_REQUESTS, SLOW_MS, LOADING_MS);
    const port = Number(await model.printed(/^(\d+)$/));
    const sidecar = await hooks?.sidecar(TASK, port, gateway);
    const ready = async () => !sidecar || (await fetch(`${sidecar.url}/readyz`)).ok;
    await until(ready, { withinMs: 120_000, everyMs: 100, message: "a replica is not ready" });
    await endpoints.add(port);
    return new Replica(model, sidecar, port, endpoints);
  }

  /** As the kubelet ends a pod, while its endpoint is removed. */
  async end(): Promise<void> {
    const removed = this.endpoints.remove(this.port);
    if (this.sidecar) await fetch(`${this.sidecar.url}/drain`).then((response) => response.text());
    await this.kill();
    await removed;
  }

  async kill(): Promise<void> {
    await this.model.stop();
    await this.sidecar?.stop();
  }
}
