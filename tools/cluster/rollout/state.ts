import { randomUUID } from "node:crypto";
import type { Tenant } from "../../api/tenant.ts";
import { ApiError } from "../../lib/kubernetes/api-error.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import { type Manifest, resourceName } from "../../lib/kubernetes/manifest.ts";
import { owned } from "../istio/names.ts";
import type { Thresholds } from "./judge.ts";
import type { Sample } from "./sample.ts";

export type Phase = "running" | "paused" | "rollingBack" | "rolledBack" | "done";

/** All that is needed to resume a rollout after the command was killed. */
export interface Rollout {
  /** `oci://...@sha256:...` */
  image: string;
  /** What the image's filter tells of itself; absent for one that tells nothing. */
  version?: string;
  previous: string;
  /** Does its registry speak HTTP without being on this machine? */
  plainHttp?: boolean;
  /** Percent of the gateway's pods, ascending; the last is 100. */
  steps: number[];
  /** Index of the step that is under way. */
  step: number;
  phase: Phase;
  /** Seconds that each step is watched. */
  intervalSeconds: number;
  thresholds: Thresholds;
  /** RFC 3339. */
  startedAt: string;
  updatedAt: string;
  /** Why it is where it is. */
  message: string;
  /** The process that runs it; none runs it when it is empty. */
  holder: string;
  /** The rest of the fleet during the last step that left one. */
  baseline?: Sample;
}

/** What another process asks the one that runs the rollout to do. */
type Wish = "pause" | "undo" | "";

const FIELD_MANAGER = "modelgate-rollout";
const KEPT = 20;
/** No process runs a rollout whose state is older than this. */
const ABANDONED_MS = 15_000;
const ATTEMPTS = 10;

/** Another process has become the holder: this one was silent for too long. */
export class TakenOver extends Error {}

interface Data {
  rollout?: string;
  history?: string;
  wish?: string;
}

/**
 * The rollout of a gateway, in a ConfigMap beside it. Every change is made to the version that was read, so
 * two processes can't both begin one, nor go on with one.
 */
export class RolloutStore {
  /** This process among the holders. */
  private readonly self = randomUUID();
  private readonly client: KubernetesClient;
  private readonly object: Manifest;

  constructor(client: KubernetesClient, tenant: Tenant) {
    this.client = client;
    const { name, namespace } = tenant.spec.gateway;
    this.object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: owned(tenant.metadata.name, `modelgate-rollout-${name}`, namespace),
    };
  }

  /** @returns undefined when the gateway never had a rollout */
  async current(): Promise<Rollout | undefined> {
    return rolloutOf((await this.read()).data);
  }

  /** Those that have ended, the newest first. */
  async history(): Promise<Rollout[]> {
    return JSON.parse((await this.read()).data.history ?? "[]") as Rollout[];
  }

  async wish(): Promise<Wish> {
    return ((await this.read()).data.wish ?? "") as Wish;
  }

  async setWish(wish: Wish): Promise<void> {
    await this.change((data) => ({ ...data, wish }));
  }

  /**
   * Makes this process the one that runs the rollout.
   * @throws Error when another process runs one, or began one meanwhile
   */
  async hold(rollout: Rollout): Promise<void> {
    await this.change((data) => {
      const current = rolloutOf(data);
      if (current && isAlive(current)) throw new Error(`another process runs it (${current.message})`);
      if (current && !isOver(current) && current.startedAt !== rollout.startedAt)
        throw new Error(`another rollout was begun meanwhile: ${current.image}`);
      rollout.holder = this.self;
      return { ...data, rollout: stamp(rollout), wish: "" };
    });
  }

  /**
   * Stores the rollout, which this process holds; one that has ended also joins the history.
   * @returns what was wished for meanwhile. @throws TakenOver
   */
  async save(rollout: Rollout): Promise<Wish> {
    let wish: Wish = "";
    await this.change((data) => {
      if (rolloutOf(data)?.holder !== this.self)
        throw new TakenOver("another process has taken the rollout over; this one leaves it alone");
      const over = isOver(rollout);
      if (over) rollout.holder = "";
      const text = stamp(rollout);
      const before = JSON.parse(data.history ?? "[]") as Rollout[];
      const history = JSON.stringify(over ? [rollout, ...before].slice(0, KEPT) : before);
      wish = (data.wish ?? "") as Wish;
      return { rollout: text, history, wish: over ? "" : wish };
    });
    return wish;
  }

  /** Stores the rollout and releases it: any process may resume it at once. */
  async release(rollout: Rollout): Promise<void> {
    await this.change((data) => {
      if (rolloutOf(data)?.holder !== this.self) return data;
      rollout.holder = "";
      return { ...data, rollout: stamp(rollout), wish: "" };
    });
  }

  private async change(make: (data: Data) => Data): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { data, resourceVersion } = await this.read();
      if (await this.write(make(data), resourceVersion)) return;
    }
    throw new Error(`${resourceName(this.object)} changes all the time`);
  }

  /**
   * @param resourceVersion that was read; none: there was no object.
   * @returns false when it has changed since
   */
  private async write(data: Data, resourceVersion: string | undefined): Promise<boolean> {
    const options = { fieldManager: FIELD_MANAGER };
    if (resourceVersion === undefined)
      return (await this.client.create({ ...this.object, data }, options)) !== undefined;
    try {
      await this.client.update(this.object, { metadata: { resourceVersion }, data }, options);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 409) return false;
      throw error;
    }
  }

  private async read(): Promise<{ data: Data; resourceVersion?: string }> {
    try {
      const { data = {}, metadata } = (await this.client.get(this.object)) as Manifest & { data?: Data };
      return { data, resourceVersion: metadata.resourceVersion as string };
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return { data: {} };
      throw error;
    }
  }
}

function rolloutOf({ rollout }: Data): Rollout | undefined {
  return rollout === undefined ? undefined : (JSON.parse(rollout) as Rollout);
}

function stamp(rollout: Rollout): string {
  rollout.updatedAt = new Date().toISOString();
  return JSON.stringify(rollout);
}

export function isOver({ phase }: Rollout): boolean {
  return phase === "done" || phase === "rolledBack";
}

/** Whether some process runs the rollout right now. */
export function isAlive({ holder, updatedAt }: Rollout, now = Date.now()): boolean {
  return holder !== "" && now - Date.parse(updatedAt) < ABANDONED_MS;
}
