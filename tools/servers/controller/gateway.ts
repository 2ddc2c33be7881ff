import { enlarged } from "./cells.ts";
import { LIMIT_KINDS, Limit, type LimitKind, type LimitSpec } from "./limit.ts";
import { Pod } from "./pod.ts";
import { PROTOCOL_VERSION, type Reply, type Report } from "./protocol.ts";

/** A split is computed at most this often while only demand changes, milliseconds. */
const SPLIT_INTERVAL_MS = 500;

/** A pod that Kubernetes shows but that never reported keeps a share for so long, milliseconds. */
const FIRST_REPORT_WITHIN = 30_000;

const SHORTEST_INTERVAL_MS = 50;
const MAX_PODS = 1000;
const MAX_CONNECTIONS = 1_000_000;

/** What the limits of a gateway shall be. */
export interface GatewaySpec extends Record<LimitKind, Map<string, LimitSpec>> {
  /** SHA-256 digests, hexadecimal, sorted. */
  revoked: string[];
}

/** Why a report isn't taken. */
export type Refusal = "pod_unknown" | "pods_exhausted" | "report_too_frequent";

/**
 * The pods of one gateway, and the limits that they share. Time is given in: milliseconds of a monotonic
 * clock.
 */
export class Gateway {
  readonly limits: Record<LimitKind, Map<string, Limit>> = {
    ...{ tasks: new Map(), tenants: new Map() },
    ...{ taskTokens: new Map(), tenantTokens: new Map() },
  };
  readonly pods = new Map<string, Pod>();
  private readonly nextGeneration: () => number;
  /** Names from Kubernetes; undefined: whoever reports is a pod. */
  private knownPods: Set<string> | undefined;
  private weights = new Float64Array(4).fill(1);
  private readonly freeSlots: number[] = [];
  private slotCount = 0;
  private readonly podOfSlot: (Pod | undefined)[] = [];
  private reportCount = 0;
  private revoked: string[] = [];
  private revocationsVersion = 1;

  /** @param nextGeneration gives ever larger numbers, also across restarts */
  constructor(nextGeneration: () => number) {
    this.nextGeneration = nextGeneration;
  }

  apply(spec: GatewaySpec): void {
    for (const kind of LIMIT_KINDS) this.applyLimits(kind, spec[kind]);
    if (spec.revoked.join() === this.revoked.join()) return;
    this.revoked = spec.revoked;
    this.revocationsVersion++;
  }

  /** Takes the names of the pods that run, from Kubernetes: they hold shares from now on. */
  applyPods(names: string[], now: number): void {
    const before = this.knownPods ?? new Set();
    this.knownPods = new Set(names);
    for (const pod of this.pods.values()) if (!this.knownPods.has(pod.name)) this.remove(pod);
    for (const name of names) if (!before.has(name) && !this.pods.has(name)) this.add(name, now);
  }

  /**
   * Takes a report and gives the reply.
   * @param holding the pods keep what they have: this process doesn't know all of them yet
   */
  report(report: Report, now: number, holding: boolean): Reply | Refusal {
    let pod = this.pods.get(report.pod);
    if (pod === undefined) {
      if (this.knownPods !== undefined && !this.knownPods.has(report.pod)) return "pod_unknown";
      if (this.pods.size >= MAX_PODS) return "pods_exhausted";
      pod = this.add(report.pod, now);
    }
    if (now - pod.lastReport < SHORTEST_INTERVAL_MS) return "report_too_frequent";
    pod.lastReport = now;
    const needsAll = this.acknowledge(pod, report.generation);
    this.observe(pod, report, now);
    if (holding) return reply(report.generation, false);
    const answer = needsAll ? this.everything(pod) : this.changes(pod, report.generation);
    pod.isEstimated = false;
    return answer;
  }

  /**
   * Lets pods go that have been silent. One that Kubernetes shows as running stays: it may be cut off from
   * the controller only, and then still lets requests through.
   * @param silence milliseconds
   */
  expire(now: number, silence: number): void {
    for (const pod of this.pods.values()) {
      if (!pod.hasReported ? now - pod.joinedAt > FIRST_REPORT_WITHIN : this.isLost(pod, now, silence))
        this.remove(pod);
    }
  }

  private isLost(pod: Pod, now: number, silence: number): boolean {
    return this.knownPods === undefined && now - pod.lastReport > silence;
  }

  private applyLimits(kind: LimitKind, specs: Map<string, LimitSpec>): void {
    const limits = this.limits[kind];
    const gone = [...limits.values()].filter(({ name }) => !specs.has(name));
    for (const { name } of gone) limits.delete(name);
    if (gone.length > 0) for (const pod of this.pods.values()) pod.forget(gone);
    const slots = this.slots();
    for (const [name, spec] of specs) {
      const known = limits.get(name);
      if (known !== undefined && !known.update(spec, slots)) continue;
      const limit = known ?? new Limit(kind, name, spec, slots);
      limits.set(name, limit);
      for (const pod of this.pods.values()) pod.changed.add(limit);
    }
  }

  private slots(): number[] {
    return [...this.pods.values()].map(({ slot }) => slot);
  }

  private add(name: string, now: number): Pod {
    const slot = this.freeSlots.pop() ?? this.slotCount++;
    if (slot >= this.weights.length) this.weights = enlarged(this.weights, this.weights.length * 2);
    this.weights[slot] = 1;
    const pod = new Pod(name, slot, now);
    this.pods.set(name, pod);
    this.podOfSlot[slot] = pod;
    for (const limit of this.allLimits()) limit.join(slot);
    this.membersChanged();
    return pod;
  }

  private remove(pod: Pod): void {
    this.pods.delete(pod.name);
    this.podOfSlot[pod.slot] = undefined;
    for (const limit of this.allLimits()) limit.leave(pod.slot);
    this.freeSlots.push(pod.slot);
    this.membersChanged();
  }

  private membersChanged(): void {
    for (const pod of this.pods.values()) pod.isSwept = true;
  }

  private *allLimits(): Iterable<Limit> {
    for (const kind of LIMIT_KINDS) yield* this.limits[kind].values();
  }

  /** Returns whether the pod needs a full reply. */
  private acknowledge(pod: Pod, generation: number): boolean {
    if (generation !== 0 && generation === pod.issued) {
      const limits = pod.unacknowledged === "all" ? this.allLimits() : pod.unacknowledged;
      for (const limit of limits) limit.acknowledge(pod.slot);
      pod.unacknowledged = new Set();
      for (const limit of pod.goneSent) pod.gone.delete(limit);
      pod.acknowledged = generation;
      pod.revocations = pod.revocationsSent;
      return false;
    }
    return generation === 0 || generation !== pod.acknowledged;
  }

  private observe(pod: Pod, report: Report, now: number): void {
    const { intervalMilliseconds, connections } = report;
    const seconds = Math.max(intervalMilliseconds, SHORTEST_INTERVAL_MS) / 1000;
    this.weights[pod.slot] = 1 + Math.min(connections, MAX_CONNECTIONS);
    const before = pod.active;
    pod.active = [];
    this.reportCount++;
    for (const kind of LIMIT_KINDS) {
      for (const { name, admitted, refused, inFlight } of report[kind]) {
        const limit = this.limits[kind].get(name);
        if (limit === undefined) continue;
        limit.lastReport = this.reportCount;
        limit.admitted += admitted;
        limit.refused += refused;
        if (pod.isEstimated) limit.estimate(pod.slot, admitted / seconds, inFlight);
        this.observeOne(pod, limit, (admitted + refused) / seconds, inFlight, now);
      }
    }
    for (const limit of before)
      if (limit.lastReport !== this.reportCount) this.observeOne(pod, limit, 0, 0, now);
  }

  private observeOne(pod: Pod, limit: Limit, perSecond: number, inFlight: number, now: number): void {
    limit.observe(pod.slot, perSecond, inFlight);
    if (limit.isActive(pod.slot)) pod.active.push(limit);
    if (!limit.isDue || now - limit.computedAt < SPLIT_INTERVAL_MS) return;
    limit.computedAt = now;
    this.retarget(limit);
  }

  private retarget(limit: Limit): void {
    limit.retarget(this.weights);
    for (let slot = 0; slot < this.slotCount; slot++)
      if (limit.wantsMove(slot)) this.podOfSlot[slot]?.moves.add(limit);
  }

  private everything(pod: Pod): Reply {
    const answer = reply(this.nextGeneration(), true);
    for (const limit of this.allLimits()) {
      this.move(pod, limit);
      tell(answer, limit, limit.share(pod.slot));
    }
    answer.revoked = this.revoked;
    pod.revocationsSent = this.revocationsVersion;
    pod.isSwept = false;
    pod.changed.clear();
    pod.goneSent = [...pod.gone];
    pod.unacknowledged = "all";
    pod.issued = answer.generation;
    return answer;
  }

  private changes(pod: Pod, generation: number): Reply {
    if (pod.unacknowledged === "all") return this.everything(pod);
    for (const limit of pod.isSwept ? this.allLimits() : [...pod.moves, ...pod.changed])
      if (this.move(pod, limit) || pod.changed.has(limit)) pod.unacknowledged.add(limit);
    pod.isSwept = false;
    pod.changed.clear();
    const hasRevocations = pod.revocations !== this.revocationsVersion;
    if (pod.unacknowledged.size === 0 && pod.gone.size === 0 && !hasRevocations)
      return reply(generation, false);
    const answer = reply(this.nextGeneration(), false);
    for (const limit of pod.gone) tell(answer, limit, null);
    for (const limit of pod.unacknowledged) tell(answer, limit, limit.share(pod.slot));
    pod.goneSent = [...pod.gone];
    if (hasRevocations) answer.revoked = this.revoked;
    pod.revocationsSent = this.revocationsVersion;
    pod.issued = answer.generation;
    return answer;
  }

  /** Moves the pod's share of a limit as far as is safe. Returns whether it moved. */
  private move(pod: Pod, limit: Limit): boolean {
    if (limit.isStale) this.retarget(limit);
    const moved = limit.offer(pod.slot, pod.isEstimated);
    if (!limit.wantsMove(pod.slot)) pod.moves.delete(limit);
    else pod.moves.add(limit);
    return moved;
  }
}

function tell(answer: Reply, { kind, name }: Limit, share: ReturnType<Limit["share"]> | null): void {
  // Without a prototype, so that a task may be called __proto__.
  const table: Record<string, typeof share> = answer[kind] ?? Object.create(null);
  table[name] = share;
  Object.assign(answer, { [kind]: table });
}

function reply(generation: number, full: boolean): Reply {
  // Without a prototype, so that a task may be called __proto__.
  return {
    apiVersion: PROTOCOL_VERSION,
    generation,
    full,
    tasks: Object.create(null),
    tenants: Object.create(null),
  };
}
