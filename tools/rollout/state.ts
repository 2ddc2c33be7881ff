import { owned } from "../istio/names.ts";
import { ApiError } from "../kubernetes/api-error.ts";
import type { KubernetesClient } from "../kubernetes/client.ts";
import type { Manifest } from "../kubernetes/manifest.ts";
import type { Tenant } from "../resources/tenant.ts";
import type { Thresholds } from "./judge.ts";
import type { Sample } from "./sample.ts";

export type Phase = "running" | "paused" | "rolledBack" | "done";

/** All that a rollout needs to go on after the tool was killed. */
export interface Rollout {
  /** `oci://...@sha256:...` */
  image: string;
  previous: string;
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
  /** The rest of the fleet during the last step that left one. */
  baseline?: Sample;
}

/** What another process asks of the one that runs the rollout. */
export type Wish = "pause" | "undo" | "";

const FIELD_MANAGER = "modelgate-rollout";
const KEPT = 20;
/** A rollout whose state is older than this has nobody who runs it. */
const ABANDONED_MS = 15_000;

interface Stored extends Manifest {
  data?: { rollout?: string; history?: string; wish?: string };
}

/** The rollout of a gateway, in a ConfigMap beside it. */
export class RolloutStore {
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
    const text = (await this.read()).rollout;
    return text === undefined ? undefined : (JSON.parse(text) as Rollout);
  }

  /** Those that have ended, the newest first. */
  async history(): Promise<Rollout[]> {
    return JSON.parse((await this.read()).history ?? "[]") as Rollout[];
  }

  async wish(): Promise<Wish> {
    return ((await this.read()).wish ?? "") as Wish;
  }

  async setWish(wish: Wish): Promise<void> {
    await this.client.mergePatch(this.object, { data: { wish } });
  }

  /** Stores the rollout; one that has ended also joins the history. */
  async save(rollout: Rollout): Promise<void> {
    rollout.updatedAt = new Date().toISOString();
    const { history = "[]", wish = "" } = await this.read();
    const before = JSON.parse(history) as Rollout[];
    const ended = rollout.phase === "done" || rollout.phase === "rolledBack";
    const entries = ended ? [rollout, ...before].slice(0, KEPT) : before;
    const data = {
      rollout: JSON.stringify(rollout),
      history: JSON.stringify(entries),
      wish: ended ? "" : wish,
    };
    await this.client.apply({ ...this.object, data }, { fieldManager: FIELD_MANAGER, force: true });
  }

  private async read(): Promise<NonNullable<Stored["data"]>> {
    try {
      return ((await this.client.get(this.object)) as Stored).data ?? {};
    } catch (error) {
      if (error instanceof ApiError && error.code === 404) return {};
      throw error;
    }
  }
}

/** Whether some process runs the rollout right now. */
export function isAlive({ phase, updatedAt }: Rollout, now = Date.now()): boolean {
  return phase === "running" && now - Date.parse(updatedAt) < ABANDONED_MS;
}
