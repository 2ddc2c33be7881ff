import { Bytes, bytes, toText } from "../sdk/bytes/bytes";
import { NameTable } from "../sdk/bytes/name-table";
import { Concurrency } from "./concurrency";
import { Lease } from "./lease";
import { Limit } from "./limit";
import { now } from "./now";
import { RateLimited } from "./rate-limited";
import { chargeShared, takeShared } from "./shared-bucket";
import { SECOND } from "./token-bucket";

/** As the controller bounds a number of a report (tools/servers/controller/protocol.ts). */
const MOST_COUNTED: f64 = 1_000_000_000;

/** What happened to the requests, or the tokens, of one task or tenant, since it was last read. */
export class Counters {
  admitted: u32 = 0;
  refused: u32 = 0;
  /** At present. */
  inFlight: i32 = 0;
  /** Microseconds, of the requests that were measured. */
  latencyMicros: u64 = 0;
  measured: u32 = 0;

  /** Counts tokens that were used. */
  use(tokens: f64): void {
    this.admitted = <u32>min(<f64>this.admitted + Math.round(tokens), MOST_COUNTED);
  }

  /** Counts tokens that were asked for in vain. */
  miss(tokens: f64): void {
    this.refused = <u32>min(<f64>this.refused + Math.round(tokens), MOST_COUNTED);
  }

  clear(): void {
    this.admitted = 0;
    this.refused = 0;
    this.latencyMicros = 0;
    this.measured = 0;
  }

  get any(): bool {
    return this.admitted + this.refused > 0 || this.inFlight > 0;
  }
}

/** What a stream ends in that is over a limit. */
export enum LastEvent {
  /** It does not end: what it takes beyond what it reserved is a debt. */
  None,
  /** As an answer that is as long as it may be: `finish_reason: "length"`. */
  Length,
  /** OpenAI's error. */
  Error,
}

/** The limit of one task, tenant or credential. */
export class NamedLimit extends Limit {
  /** Of its bucket in shared data. */
  readonly key: Bytes;
  private readonly lease: Lease = new Lease();
  /** This VM's. */
  readonly counters: Counters = new Counters();
  /** Of all VMs, for the report. */
  readonly total: Counters = new Counters();
  concurrency: Concurrency | null = null;
  /** Of a limit on tokens: how a stream ends that is over it. */
  lastEvent: LastEvent = LastEvent.None;
  /** Streams that wait for a token of this limit. */
  queued: i32 = 0;

  /** What the plug-in configuration says of the window that the controller may set. */
  private configuredQuota: f64 = 0;
  private configuredBurst: f64 = -1;
  /** The controller's last word has a limit for this; `round` is the version that had it last. */
  controlled: bool = false;
  round: u32 = 0;

  constructor(kind: string, name: Bytes, reply: RateLimited) {
    super(name, reply);
    this.key = bytes(`modelgate.bucket.${kind}.${toText(name.ptr, name.len)}`);
  }

  /** Remembers the present windows as those of the plug-in configuration. */
  configured(): void {
    this.configuredQuota = this.windows.quota(SECOND);
    this.configuredBurst = this.windows.bursts[SECOND];
  }

  /** Sets what the controller says. The bucket keeps its level, so a new limit gives nobody a new burst. */
  control(perSecond: f64, burst: f64): void {
    this.windows.set(SECOND, perSecond, burst);
  }

  /** The controller has no limit for this: back to the plug-in configuration. */
  release(): void {
    this.windows.set(SECOND, this.configuredQuota, this.configuredBurst);
  }

  take(cost: f64, reserve: f64, largestReserve: f64): bool {
    return this.takeBy(this.lease, cost, reserve, largestReserve);
  }

  /** Describes the refusal of a request that comes while others wait for a token already. */
  refuseBehindTheLine(): void {
    const lease = this.lease;
    const wait = max(lease.tokenAt - <f64>now(), 0);
    this.reply.describe(this.windows, lease.emptyWindow, lease.emptyRemaining, wait);
  }

  refund(cost: f64): void {
    this.lease.refund(cost);
  }

  /** Gives tokens back to all VMs at once; a negative number takes some, whether they are there or not. */
  settle(back: f64): void {
    if (!this.active || back == 0) return;
    chargeShared(this.key, this.windows, now(), -back);
    this.lease.emptyUntil = 0;
  }

  protected takeShared(_lease: Lease, at: u64, need: f64, wanted: f64, reserve: f64, largest: f64): f64 {
    return takeShared(this.key, this.windows, at, need, wanted, reserve, largest);
  }

  /** @param vms how many VMs lease from the bucket */
  onTick(vms: i32): void {
    this.share(vms);
    const back = this.lease.endTick(this.cap);
    if (back != 0) chargeShared(this.key, this.windows, now(), -back);
    const concurrency = this.concurrency;
    if (concurrency != null) concurrency.onTick();
  }
}

/** Gives back what this VM holds of each limit and does not use. */
export function shareAll(table: NameTable<NamedLimit>, vms: i32): void {
  for (let i = 0; i < table.count; i++) table.values[i].onTick(vms);
}
