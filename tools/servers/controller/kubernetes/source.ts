import {
  CoreV1Api,
  CustomObjectsApi,
  DiscoveryV1Api,
  type KubeConfig,
  type KubernetesListObject,
  type V1EndpointSlice,
  type V1Pod,
} from "@kubernetes/client-node";
import type { Logger } from "pino";
import { API_GROUP, API_VERSION } from "../../../api/fields.ts";
import { KINDS, type Kind } from "../../../api/kinds.ts";
import { gatewayName, gatewaySelector, type Tenant } from "../../../api/tenant.ts";
import type { ResourceChecks } from "../../../cluster/stored/custom-resources.ts";
import type { Manifest } from "../../../lib/kubernetes/manifest.ts";
import { type Watched, watchObjects } from "../../../lib/kubernetes/watched.ts";
import type { Inventory } from "../inventory.ts";
import type { Source } from "../source.ts";
import { readyReplicas } from "./ready-replicas.ts";
import { ServedResources } from "./served-resources.ts";

/** Changes are gathered for so long before the limits are computed again. */
const GATHER_MS = 200;

/**
 * The custom resources of a cluster, the ready replicas of their Services, and the running pods of their
 * gateways.
 */
export class KubernetesSource implements Source {
  private readonly config: KubeConfig;
  private readonly log: Logger;
  private readonly watches: Watched<unknown>[] = [];
  private readonly gatewayPods = new Map<string, Watched<V1Pod>>();
  private readonly served: ServedResources;
  private timer: NodeJS.Timeout | undefined;

  /** @param checks say what of the resources is served; one for all in a process who ask the same */
  constructor(config: KubeConfig, log: Logger, checks: ResourceChecks) {
    this.config = config;
    this.log = log;
    this.served = new ServedResources(log, checks);
  }

  async start(onChange: (inventory: Inventory) => void): Promise<void> {
    let started = false;
    const changed = () => {
      if (started && this.timer === undefined)
        this.timer = setTimeout(() => {
          this.timer = undefined;
          onChange(inventory());
        }, GATHER_MS);
    };
    const customChanged = () => {
      this.served.changed();
      changed();
    };
    const custom = [this.watchCustom("Tenant", customChanged), this.watchCustom("ModelTask", customChanged)];
    const discovery = this.config.makeApiClient(DiscoveryV1Api);
    const slices = watchObjects<V1EndpointSlice>({
      ...this.common(changed),
      path: "/apis/discovery.k8s.io/v1/endpointslices",
      list: () => discovery.listEndpointSliceForAllNamespaces(),
    });
    this.watches.push(...custom, slices);
    await Promise.all([...custom, slices].map(({ synced }) => synced));

    const inventory = (): Inventory => {
      const { tenants, tasks } = this.served.of(() => custom.flatMap((watched) => watched.list()));
      this.watchGatewayPods(tenants, changed);
      const replicas = readyReplicas(slices.list());
      return {
        ...{ tenants, tasks },
        replicas: ({ metadata, spec }) => replicas.get(`${metadata.namespace}/${spec.service.name}`) ?? 0,
        pods: this.runningPods(tenants),
      };
    };
    inventory();
    await Promise.all([...this.gatewayPods.values()].map(({ synced }) => synced));
    started = true;
    onChange(inventory());
  }

  async stop(): Promise<void> {
    clearTimeout(this.timer);
    for (const watch of [...this.watches, ...this.gatewayPods.values()]) await watch.stop();
  }

  private common(onChange: () => void) {
    return { config: this.config, log: this.log, onChange };
  }

  private watchCustom(kind: Kind, onChange: () => void): Watched<Manifest> {
    const { plural } = KINDS[kind];
    const [, version = ""] = API_VERSION.split("/");
    const api = this.config.makeApiClient(CustomObjectsApi);
    return watchObjects<Manifest>({
      ...this.common(onChange),
      path: `/apis/${API_VERSION}/${plural}`,
      list: async () => {
        const list = (await api.listClusterCustomObject({
          group: API_GROUP,
          version,
          plural,
        })) as KubernetesListObject<Manifest>;
        // The items of a list do not say what they are.
        for (const item of list.items) Object.assign(item, { apiVersion: API_VERSION, kind });
        return list;
      },
    });
  }

  /** Starts a watch for each gateway that is new, and ends those of gateways that are gone. */
  private watchGatewayPods(tenants: Tenant[], onChange: () => void): void {
    const core = this.config.makeApiClient(CoreV1Api);
    const wanted = new Set(tenants.map(podsKey));
    for (const [key, watch] of this.gatewayPods) {
      if (wanted.has(key)) continue;
      this.gatewayPods.delete(key);
      watch.stop();
    }
    for (const tenant of tenants) {
      const key = podsKey(tenant);
      if (this.gatewayPods.has(key)) continue;
      const { namespace } = tenant.spec.gateway;
      const labelSelector = selectorText(tenant);
      const watch = watchObjects<V1Pod>({
        ...this.common(onChange),
        path: `/api/v1/namespaces/${namespace}/pods`,
        labelSelector,
        list: () => core.listNamespacedPod({ namespace, labelSelector }),
      });
      this.gatewayPods.set(key, watch);
    }
  }

  private runningPods(tenants: Tenant[]): Map<string, string[]> {
    const result = new Map<string, string[]>();
    for (const tenant of tenants) {
      const pods = this.gatewayPods.get(podsKey(tenant));
      if (pods?.isSynced !== true) continue;
      const running = pods.list().filter(({ status }) => status?.phase === "Running");
      result.set(
        gatewayName(tenant),
        running.map(({ metadata }) => metadata?.name ?? ""),
      );
    }
    return result;
  }
}

function selectorText(tenant: Tenant): string {
  return Object.entries(gatewaySelector(tenant))
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join();
}

function podsKey(tenant: Tenant): string {
  return `${tenant.spec.gateway.namespace}?${selectorText(tenant)}`;
}
