import type { Tenant } from "../../api/tenant.ts";
import type { KubernetesClient } from "../../lib/kubernetes/client.ts";
import type { Rollout, RolloutStore } from "./state.ts";

/** A rollout that this process carries on. */
export interface Run {
  client: KubernetesClient;
  tenant: Tenant;
  store: RolloutStore;
  rollout: Rollout;
  say: (line: string) => void;
  /** Stops after what is under way; the rollout can then be resumed. */
  signal: AbortSignal;
}
