import { Gauge, type Registry } from "prom-client";
import type { Phase, Rollout } from "../../../cluster/rollout/state.ts";

const PHASES: Phase[] = ["running", "paused", "rolledBack", "done"];

/** The rollouts of the gateways, for Prometheus. */
export class RolloutMetrics {
  private readonly phase: Gauge<"tenant" | "gateway" | "phase">;
  private readonly updated: Gauge<"tenant" | "gateway">;

  constructor(registry: Registry) {
    const registers = [registry];
    this.phase = new Gauge({
      name: "modelgate_rollout_phase",
      help: "1 for the phase that a gateway's last rollout is in, 0 for the others.",
      labelNames: ["tenant", "gateway", "phase"],
      registers,
    });
    this.updated = new Gauge({
      name: "modelgate_rollout_updated_timestamp_seconds",
      help: "When its state was last written, in seconds since the epoch.",
      labelNames: ["tenant", "gateway"],
      registers,
    });
  }

  set(about: { tenant: string; gateway: string }, { phase, updatedAt }: Rollout): void {
    for (const each of PHASES) this.phase.set({ ...about, phase: each }, Number(each === phase));
    this.updated.set(about, Date.parse(updatedAt) / 1_000);
  }
}
