import { Slice } from "../sdk/bytes/slice";
import { Config } from "../sdk/pipeline/config";
import { HttpContext } from "../sdk/pipeline/http-context";
import { StreamPool } from "../sdk/pipeline/stream-pool";
import { Concurrency } from "./concurrency";
import { processSeed } from "./keyed-limit";
import { hash64 } from "./path-template";
import { Share } from "./share";
import { addPermits, permitsOf, readSet, writeSet } from "./share-sets";
import { VmRegistry } from "./vm-registry";

const SLOTS: i32 = 1024;
const ATTEMPTS = 16;
/** As Concurrency does it: a VM keeps up to this part of a bound, divided by the VMs, at hand. */
const SPARE_PART: i32 = 8;
const MOST_IN_FLIGHT: f64 = 1_000_000;

const principal: Slice = new Slice();

/**
 * What a credential may have in flight of a task at once, in the whole process: a part of the task's own
 * limit, and never more than a fixed number. It counts from a request's headers on, so who sends a body
 * slowly or not at all uses up his own share and nobody else's.
 */
export class Shares {
  private readonly slots: StaticArray<Share | null> = new StaticArray<Share | null>(SLOTS);
  private readonly seed: u64 = processSeed();

  constructor(
    private readonly registry: VmRegistry,
    /** Part of a task's limit, 0 to 1; 0: shares are off. */
    private readonly part: f64,
    private readonly most: i32,
  ) {}

  /** Reads `shares`; absent: a credential may use all of a task. */
  static read(parent: Config, registry: VmRegistry): Shares {
    const config = parent.object("shares");
    if (config == null) return new Shares(registry, 0, 0);
    const percent = config.number("percent", 50, 1);
    const most = config.number("maxInFlight", 512, 1);
    if (percent > 100) config.fault("percent", "must be at most 100");
    if (most > MOST_IN_FLIGHT) config.fault("maxInFlight", "must be at most 1000000");
    config.finish();
    return new Shares(registry, percent / 100, <i32>min(most, MOST_IN_FLIGHT));
  }

  /** @returns what the caller has of the task; null where that has no bound: nobody is authenticated */
  of(http: HttpContext): Share | null {
    if (this.part == 0) return null;
    http.findPrincipal(principal);
    if (principal.len == 0) return null;
    const caller = hash64(principal.ptr, principal.len, this.seed);
    const fingerprint = hash64(http.taskid.ptr, http.taskid.len, caller) | 1;
    const slot = slotOf(fingerprint);
    const first = unchecked(this.slots[slot]);
    for (let at = first; at != null; ) {
      const known: Share = at;
      if (known.fingerprint == fingerprint) return known;
      at = known.next;
    }
    const share = pool.take();
    share.fingerprint = fingerprint;
    share.next = first;
    this.slots[slot] = share;
    return share;
  }

  /** Takes a permit. @returns false when the caller has all that are his */
  enter(share: Share, task: Concurrency | null): bool {
    share.entered = true;
    const bound = this.boundOf(task);
    share.spare = bound / (SPARE_PART * this.registry.live);
    if (share.used < share.held && share.held <= bound) {
      share.used++;
      return true;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = readSet(share.fingerprint);
      const idle = share.held - share.used;
      const free = bound - permitsOf(share.fingerprint, this.registry) + idle;
      if (free <= 0) return false;
      if (idle > 0) break;
      const permits = min(free, 1 + share.spare);
      if (!addPermits(share.fingerprint, this.registry, permits)) {
        share.held++;
        break;
      }
      if (!writeSet(version)) continue;
      share.held += permits;
      break;
    }
    if (share.used == share.held) return false;
    share.used++;
    return true;
  }

  leave(share: Share): void {
    share.used--;
    const extra = share.held - share.used - share.spare;
    if (extra > 0) this.release(share, extra);
  }

  /** Permits that nobody used for a tick go back, and so do the places of callers that have gone. */
  onTick(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      let before: Share | null = null;
      for (let at = unchecked(this.slots[slot]); at != null; ) {
        const share: Share = at;
        at = share.next;
        if (!share.entered && share.held > share.used) this.release(share, share.held - share.used);
        if (share.entered || share.used > 0) before = share;
        else {
          if (before == null) this.slots[slot] = at;
          else before.next = at;
          share.next = null;
          pool.release(share);
        }
        share.entered = false;
      }
    }
  }

  private boundOf(task: Concurrency | null): i32 {
    if (task == null || !task.active) return this.most;
    return min(max(<i32>Math.ceil(<f64>task.limit * this.part), 1), this.most);
  }

  private release(share: Share, permits: i32): void {
    share.held -= permits;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = readSet(share.fingerprint);
      if (!addPermits(share.fingerprint, this.registry, -permits) || writeSet(version)) return;
    }
  }
}

const pool: StreamPool<Share> = new StreamPool<Share>();

function slotOf(fingerprint: u64): i32 {
  return <i32>(fingerprint >> 1) & (SLOTS - 1);
}
