import { CoreV1Api, type CoreV1Event, type KubeConfig, type V1ConfigMap } from "@kubernetes/client-node";
import type { Logger } from "pino";
import type { Registry } from "prom-client";
import { MANAGED_BY, TENANT_LABEL } from "../../../cluster/istio/names.ts";
import type { Rollout } from "../../../cluster/rollout/state.ts";
import { ResourceChecks } from "../../../cluster/stored/custom-resources.ts";
import { type Watched, watchObjects } from "../../../lib/kubernetes/watched.ts";
import { gatewaySpecs, type Inventory } from "../../controller/inventory.ts";
import { KubernetesSource } from "../../controller/kubernetes/source.ts";
import type { Event } from "../query/events.ts";
import { fromKubernetes } from "./kubernetes-event.ts";
import { type CurrentLimit, limitEvents, type Rates, ratesOf } from "./limit-events.ts";
import { Owners } from "./owners.ts";
import { rolloutEvents } from "./rollout-events.ts";
import { RolloutMetrics } from "./rollout-metrics.ts";

const ROLLOUT = /^modelgate-rollout-/;
const ROLLOUT_SELECTOR = [
  ...Object.entries(MANAGED_BY).map(([key, value]) => `${key}=${value}`),
  TENANT_LABEL,
].join();

/** Names and limits are known without the filter; what it refuses, the controller tells. */
const NO_FILTER = { faults: () => [] };

interface ClusterWatchOptions {
  config: KubeConfig;
  /** Takes events; the same one may come again after a restart. */
  add: (events: Event[]) => Promise<void>;
  registry: Registry;
  log: Logger;
}

/**
 * Follows what happens in a cluster beside the traffic: Kubernetes events in the tenants' namespaces,
 * rollouts of their gateways, and limits that change with the resources and the ready replicas.
 */
export class ClusterWatch {
  private readonly options: ClusterWatchOptions;
  private readonly source: KubernetesSource;
  private readonly watches = new Map<string, Watched<unknown>[]>();
  private readonly rollouts = new Map<string, Rollout>();
  private readonly metrics: RolloutMetrics;
  private owners = new Owners([], []);
  private rates: Rates | undefined;

  constructor(options: ClusterWatchOptions) {
    this.options = options;
    this.metrics = new RolloutMetrics(options.registry);
    this.source = new KubernetesSource(options.config, options.log, new ResourceChecks(NO_FILTER));
  }

  /** Resolves when the resources have been read for the first time. */
  start(): Promise<void> {
    return this.source.start((inventory) => this.follow(inventory));
  }

  get limits(): CurrentLimit[] {
    return [...(this.rates?.values() ?? [])].map(({ about, rate }) => ({
      ...about,
      requests_per_second: rate,
    }));
  }

  async stop(): Promise<void> {
    await this.source.stop();
    for (const watch of [...this.watches.values()].flat()) await watch.stop();
  }

  private follow(inventory: Inventory): void {
    const { tenants, tasks } = inventory;
    this.owners = new Owners(tenants, tasks);
    const tenantOf = new Map(tasks.map(({ spec }) => [spec.taskid, spec.tenant]));
    const { gateways } = gatewaySpecs(inventory, Date.now());
    const rates = ratesOf(gateways, tenants, (taskid) => tenantOf.get(taskid) ?? "");
    if (this.rates) this.add(limitEvents(this.rates, rates, new Date().toISOString()));
    this.rates = rates;
    this.watchNamespaces();
  }

  private watchNamespaces(): void {
    const wanted = new Set(this.owners.namespaces);
    for (const [namespace, watches] of this.watches) {
      if (wanted.has(namespace)) continue;
      this.watches.delete(namespace);
      for (const watch of watches) void watch.stop();
    }
    for (const namespace of wanted)
      if (!this.watches.has(namespace))
        this.watches.set(namespace, [this.watchEvents(namespace), this.watchRollouts(namespace)]);
  }

  private watchEvents(namespace: string): Watched<CoreV1Event> {
    const core = this.options.config.makeApiClient(CoreV1Api);
    const take = (events: readonly CoreV1Event[]) =>
      this.add(events.flatMap((event) => fromKubernetes(event, this.owners) ?? []));
    const watch: Watched<CoreV1Event> = watchObjects<CoreV1Event>({
      ...this.options,
      path: `/api/v1/namespaces/${namespace}/events`,
      list: () => core.listNamespacedEvent({ namespace }),
      onChange: (event, isGone) => {
        if (!isGone) take(event ? [event] : watch.list());
      },
    });
    return watch;
  }

  private watchRollouts(namespace: string): Watched<V1ConfigMap> {
    const core = this.options.config.makeApiClient(CoreV1Api);
    const watch: Watched<V1ConfigMap> = watchObjects<V1ConfigMap>({
      ...this.options,
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      labelSelector: ROLLOUT_SELECTOR,
      list: () => core.listNamespacedConfigMap({ namespace, labelSelector: ROLLOUT_SELECTOR }),
      onChange: (object, isGone) => {
        if (!isGone) for (const each of object ? [object] : watch.list()) this.takeRollout(each, namespace);
      },
    });
    return watch;
  }

  private takeRollout({ metadata, data }: V1ConfigMap, namespace: string): void {
    const name = metadata?.name ?? "";
    if (!ROLLOUT.test(name) || !data?.rollout) return;
    const gateway = `${namespace}/${name.replace(ROLLOUT, "")}`;
    let rollout: Rollout;
    try {
      rollout = JSON.parse(data.rollout) as Rollout;
    } catch (error) {
      this.options.log.warn({ gateway, err: error }, "the rollout's state can't be read");
      return;
    }
    const tenant = metadata?.labels?.[TENANT_LABEL] ?? "";
    const about = { tenant, gateway };
    this.metrics.set(about, rollout);
    const events = rolloutEvents(this.rollouts.get(gateway), rollout, about);
    this.rollouts.set(gateway, rollout);
    this.add(events);
  }

  private add(events: Event[]): void {
    if (events.length === 0) return;
    this.options
      .add(events)
      .catch((error) => this.options.log.error({ err: error }, "events of the cluster are lost"));
  }
}
