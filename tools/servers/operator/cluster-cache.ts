import type { KubernetesListObject } from "@kubernetes/client-node";
import type { Logger } from "pino";
import { API_VERSION } from "../../api/fields.ts";
import { KINDS } from "../../api/kinds.ts";
import { keyOf, OWNED_KINDS, OWNED_SELECTOR } from "../../cluster/deploy/owned-objects.ts";
import { TENANT_LABEL, tenantOf } from "../../cluster/istio/names.ts";
import type { CustomResources, ResourceChecks } from "../../cluster/stored/custom-resources.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Manifest } from "../../lib/kubernetes/manifest.ts";
import { type Watched, watchObjects } from "../../lib/kubernetes/watched.ts";

/** Between two questions for kinds that the API server did not know. */
const DISCOVERY_MS = 30_000;

interface CacheOptions {
  client: KubernetesClient;
  log: Logger;
  checks: ResourceChecks;
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
  private readonly custom: Watched<Manifest>[] = [];
  private readonly owned: Watched<Manifest>[] = [];
  private stopped = false;
  /** Of each custom resource its tenant, and what it was when it last changed. */
  private readonly seen = new Map<string, { tenant: string; version: string }>();
  private checked: CustomResources | undefined;

  constructor(options: CacheOptions) {
    this.options = options;
  }

  /** Resolves when all kinds that the API server knows have been listed. */
  async start(): Promise<void> {
    for (const [kind, { plural }] of Object.entries(KINDS)) {
      const path = `apis/${API_VERSION}/${plural}`;
      const type = { apiVersion: API_VERSION, kind };
      this.custom.push(this.watch(path, undefined, this.customChanged, type));
    }
    await Promise.all(OWNED_KINDS.map(([apiVersion, kind]) => this.watchOwned(apiVersion, kind)));
    await Promise.all([...this.custom, ...this.owned].map(({ synced }) => synced));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all([...this.custom, ...this.owned].map((watched) => watched.stop()));
  }

  /** The custom resources, checked. */
  resources(): CustomResources {
    this.checked ??= this.options.checks.check(this.custom.flatMap((watched) => watched.list()));
    return this.checked;
  }

  /** What was made for a tenant, by `keyOf`. */
  ownedBy(tenant: string): Map<string, Manifest> {
    const objects = this.owned
      .flatMap((watched) => watched.list())
      .filter(({ metadata }) => metadata.labels?.[TENANT_LABEL] === tenant);
    return new Map(objects.map((object) => [keyOf(object), object]));
  }

  private readonly customChanged = (object?: Manifest, isGone?: boolean): void => {
    this.checked = undefined;
    if (!object) {
      this.options.onListed();
      return;
    }
    const { generation, deletionTimestamp, finalizers } = object.metadata;
    const version = JSON.stringify([generation, deletionTimestamp, finalizers]);
    const tenant = tenantOf(object);
    const before = this.seen.get(keyOf(object));
    if (isGone) this.seen.delete(keyOf(object));
    else this.seen.set(keyOf(object), { tenant, version });
    if (before && before.tenant !== tenant) this.options.onResource(before.tenant);
    // Its status is our own doing.
    if (isGone || before?.version !== version) this.options.onResource(tenant);
  };

  private readonly ownedChanged = (object?: Manifest): void => {
    if (!object) {
      this.options.onListed();
      return;
    }
    const tenant = object.metadata.labels?.[TENANT_LABEL];
    if (tenant !== undefined) this.options.onOwned(tenant);
  };

  /** A kind that the API server does not know is asked for again later: somebody may install it. */
  private async watchOwned(apiVersion: string, kind: string, isFirst = true): Promise<void> {
    const { client, log } = this.options;
    const path = await client.pathOfAll(apiVersion, kind);
    if (this.stopped) return;
    if (path !== undefined)
      this.owned.push(this.watch(path, OWNED_SELECTOR, this.ownedChanged, { apiVersion, kind }));
    else {
      if (isFirst)
        log.info({ apiVersion, kind }, "the cluster does not know this kind; it is left out for now");
      const again = () =>
        this.watchOwned(apiVersion, kind, false).catch((err) => log.warn({ err, kind }, "no discovery"));
      setTimeout(again, DISCOVERY_MS).unref();
    }
  }

  private watch(
    path: string,
    labelSelector: string | undefined,
    onChange: (object?: Manifest, isGone?: boolean) => void,
    type: { apiVersion: string; kind: string },
  ): Watched<Manifest> {
    const { client, log } = this.options;
    const query = labelSelector === undefined ? "" : `?${new URLSearchParams({ labelSelector })}`;
    return watchObjects<Manifest>({
      config: client.config,
      log,
      path: `/${path}`,
      ...(labelSelector !== undefined && { labelSelector }),
      onChange,
      list: async () => {
        const list = (await client.send("GET", path + query)) as unknown as KubernetesListObject<Manifest>;
        // The items of a list do not say what they are.
        for (const item of list.items) Object.assign(item, type);
        return list;
      },
    });
  }
}
