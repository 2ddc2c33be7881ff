import type { KubernetesListObject } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { type Watched, watchObjects } from "../controller/kubernetes/watched.ts";
import { keyOf, OWNED_KINDS, OWNED_SELECTOR } from "../deploy/owned-objects.ts";
import { TENANT_LABEL } from "../istio/names.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Manifest } from "../kubernetes/manifest.ts";
import { API_VERSION } from "../resources/fields.ts";
import { KINDS } from "../resources/kinds.ts";
import { type CustomResources, checkResources, tenantOf } from "./custom-resources.ts";

export interface CacheOptions {
  client: KubernetesClient;
  log: Logger;
  /** A custom resource of a tenant changed. */
  onResource: (tenant: string) => void;
  /** An object that was made for a tenant changed. */
  onOwned: (tenant: string) => void;
  /** Many may have changed: objects of a kind were listed. */
  onListed: () => void;
}

/** The custom resources and what was made for them, kept by watches. */
export class ClusterCache {
  private readonly options: CacheOptions;
  private custom: Watched<Manifest>[] = [];
  private owned: Watched<Manifest>[] = [];
  /** Of each custom resource its tenant, and what it was when it last changed. */
  private readonly seen = new Map<string, { tenant: string; version: string }>();
  private checked: CustomResources | undefined;

  constructor(options: CacheOptions) {
    this.options = options;
  }

  /** Resolves when all kinds that the API server knows have been listed. */
  async start(): Promise<void> {
    const custom = Object.keys(KINDS).map((kind) =>
      this.watch(API_VERSION, kind, undefined, (object, isGone) => {
        this.checked = undefined;
        if (!object) return this.options.onListed();
        const { generation, deletionTimestamp, finalizers } = object.metadata;
        const version = JSON.stringify([generation, deletionTimestamp, finalizers]);
        const tenant = tenantOf(object);
        const before = this.seen.get(keyOf(object));
        if (isGone) this.seen.delete(keyOf(object));
        else this.seen.set(keyOf(object), { tenant, version });
        if (before && before.tenant !== tenant) this.options.onResource(before.tenant);
        // Its status is our own doing.
        if (isGone || before?.version !== version) this.options.onResource(tenant);
      }),
    );
    const owned = OWNED_KINDS.map(([apiVersion, kind]) =>
      this.watch(apiVersion, kind, OWNED_SELECTOR, (object) => {
        if (!object) return this.options.onListed();
        const tenant = object.metadata.labels?.[TENANT_LABEL];
        if (tenant !== undefined) this.options.onOwned(tenant);
      }),
    );
    this.custom = (await Promise.all(custom)).flatMap((watched) => watched ?? []);
    this.owned = (await Promise.all(owned)).flatMap((watched) => watched ?? []);
    await Promise.all([...this.custom, ...this.owned].map(({ synced }) => synced));
  }

  async stop(): Promise<void> {
    await Promise.all([...this.custom, ...this.owned].map((watched) => watched.stop()));
  }

  /** The custom resources, checked. */
  resources(): CustomResources {
    this.checked ??= checkResources(this.custom.flatMap((watched) => watched.list()));
    return this.checked;
  }

  /** What was made for a tenant, by `keyOf`. */
  ownedBy(tenant: string): Map<string, Manifest> {
    const objects = this.owned
      .flatMap((watched) => watched.list())
      .filter(({ metadata }) => metadata.labels?.[TENANT_LABEL] === tenant);
    return new Map(objects.map((object) => [keyOf(object), object]));
  }

  /** @returns undefined when the API server does not know the kind */
  private async watch(
    apiVersion: string,
    kind: string,
    labelSelector: string | undefined,
    onChange: (object?: Manifest, isGone?: boolean) => void,
  ): Promise<Watched<Manifest> | undefined> {
    const { client, log } = this.options;
    const path = await client.pathOfAll(apiVersion, kind);
    if (path === undefined) {
      log.info({ apiVersion, kind }, "the cluster does not know this kind; it is left out");
      return undefined;
    }
    const query = labelSelector === undefined ? "" : `?${new URLSearchParams({ labelSelector })}`;
    return watchObjects<Manifest>({
      config: client.config,
      log,
      path: `/${path}`,
      ...(labelSelector !== undefined && { labelSelector }),
      onChange,
      list: async () => {
        const list = (await client.send("GET", path + query)) as unknown as KubernetesListObject<Manifest>;
        // A list says what its items are only once.
        for (const item of list.items) Object.assign(item, { apiVersion, kind });
        return list;
      },
    });
  }
}
