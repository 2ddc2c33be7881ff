import type { Logger } from "pino";
import { Gateway, type Refusal } from "./gateway.ts";
import { type GatewaySpecs, gatewaySpecs, type Inventory } from "./inventory.ts";
import type { Reply, Report } from "./protocol.ts";

interface LimitsOptions {
  log: Logger;
  /**
   * Milliseconds for which pods keep what they have after a start, so that all are known before shares move.
   */
  hold: number;
  /** Milliseconds of silence after which a pod that Kubernetes doesn't show is taken to be gone. */
  silence: number;
}

/**
 * All gateways. Why the sum of a limit's shares is under the limit x 1.05 three seconds after a start with an
 * empty memory, at one report a second and the default hold of 1.5 s:
 *
 * 1. While it holds, no share moves: the pods keep those of the process before, which sum to the limit at
 * most (shared-limit.ts).
 *    Each pod reports at least once, so all are known, with what they admit.
 * 2. Then each pod's next report, within another second, gets its full set of shares. Until a pod has got it,
 * what it admits counts
 * as reserved, so what was admitted plus what is handed out is within the limit; it could be more only by
 * traffic that
 *    grows, in that second, within shares of before.
 * 3. After 2.5 s every pod runs on shares of this process, whose sum is the limit at most, at any time.
 *
 * A follower that is elected starts the same way.
 */
export class Limits {
  private readonly options: LimitsOptions;
  private readonly gateways = new Map<string, Gateway>();
  private inventory: Inventory | undefined;
  private nextExpiry = Number.POSITIVE_INFINITY;
  private warned = new Set<string>();
  private heldUntil = Number.NEGATIVE_INFINITY;
  private generation = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(options: LimitsOptions) {
    this.options = options;
    this.timer = setInterval(() => this.tick(), 500).unref();
  }

  /** Begins with an empty memory, as after a restart. */
  reset(): void {
    this.gateways.clear();
    this.heldUntil = performance.now() + this.options.hold;
    if (this.inventory !== undefined) this.apply(this.inventory);
  }

  /** Whether an inventory has come. */
  get isReady(): boolean {
    return this.inventory !== undefined;
  }

  apply(inventory: Inventory): void {
    if (this.inventory === undefined) this.heldUntil = performance.now() + this.options.hold;
    this.inventory = inventory;
    const specs = gatewaySpecs(inventory, Date.now());
    this.nextExpiry = specs.nextExpiry;
    this.warn(specs);
    for (const name of this.gateways.keys()) if (!specs.gateways.has(name)) this.gateways.delete(name);
    for (const [name, spec] of specs.gateways) {
      let gateway = this.gateways.get(name);
      if (gateway === undefined) {
        gateway = new Gateway(this.nextGeneration);
        this.gateways.set(name, gateway);
      }
      gateway.apply(spec);
      const pods = inventory.pods?.get(name);
      if (pods !== undefined) gateway.applyPods(pods, performance.now());
    }
  }

  report(report: Report): Reply | Refusal | "gateway_unknown" {
    const gateway = this.gateways.get(report.gateway);
    if (gateway === undefined) return "gateway_unknown";
    const now = performance.now();
    return gateway.report(report, now, now < this.heldUntil);
  }

  /** For metrics: each gateway by name. */
  *entries(): Iterable<[string, Gateway]> {
    yield* this.gateways;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private tick(): void {
    for (const gateway of this.gateways.values()) gateway.expire(performance.now(), this.options.silence);
    if (this.inventory !== undefined && Date.now() >= this.nextExpiry) this.apply(this.inventory);
  }

  /** Microseconds of the wall clock, and ever larger: so the next process goes on above this one's. */
  private readonly nextGeneration = (): number => {
    this.generation = Math.max(this.generation + 1, Date.now() * 1000);
    return this.generation;
  };

  private warn({ warnings }: GatewaySpecs): void {
    for (const warning of warnings) if (!this.warned.has(warning)) this.options.log.warn(warning);
    this.warned = new Set(warnings);
  }
}
