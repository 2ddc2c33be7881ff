import { setTimeout as sleep } from "node:timers/promises";
import {
  type KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  makeInformer,
} from "@kubernetes/client-node";
import type { Logger } from "pino";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/** Objects of one kind, kept as the API server has them. */
export interface Watched<T> {
  list(): readonly T[];
  /** Resolves when they have been listed for the first time. */
  synced: Promise<void>;
  readonly isSynced: boolean;
  stop(): Promise<void>;
}

interface WatchOptions<T extends KubernetesObject> {
  config: KubeConfig;
  /** Of the API server, such as /api/v1/namespaces/x/pods. */
  path: string;
  list: () => Promise<KubernetesListObject<T>>;
  labelSelector?: string;
  /** Called with the object that changed, and whether it is gone; with none when they were listed anew. */
  onChange: (object?: T, isGone?: boolean) => void;
  log: Logger;
}

/**
 * Lists and watches, for ever: what breaks is tried again, after half a second at first and half a minute at
 * most.
 */
export function watchObjects<T extends KubernetesObject>(options: WatchOptions<T>): Watched<T> {
  const { config, path, labelSelector, onChange, log } = options;
  let retry = FIRST_RETRY_MS;
  let stopped = false;
  let isSynced = false;
  let markSynced = () => {};
  const synced = new Promise<void>((resolve) => {
    markSynced = resolve;
  });
  const list = async () => {
    const result = await options.list();
    retry = FIRST_RETRY_MS;
    // The informer takes the list over right after this.
    setImmediate(() => {
      isSynced = true;
      markSynced();
      onChange();
    });
    return result;
  };
  const informer = makeInformer(config, path, list, labelSelector);
  for (const event of ["add", "update", "delete"] as const)
    informer.on(event, (object) => {
      if (isSynced) onChange(object, event === "delete");
    });
  const again = async (error: unknown) => {
    if (stopped) return;
    log.warn({ path, err: error, retryMs: retry }, "the watch broke");
    await sleep(retry, undefined, { ref: false });
    retry = Math.min(retry * 2, LAST_RETRY_MS);
    if (!stopped) informer.start().catch(again);
  };
  informer.on("error", again);
  informer.start().catch(again);
  return {
    list: () => informer.list(),
    synced,
    get isSynced() {
      return isSynced;
    },
    stop: async () => {
      stopped = true;
      await informer.stop();
    },
  };
}
