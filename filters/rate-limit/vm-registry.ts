import { bytes } from "../sdk/bytes/bytes";
import { randomId } from "../sdk/host/random-id";
import { readShared, setShared, sharedVersion } from "../sdk/host/shared-data";

/** The value: a u64 id and a u64 time of the last beat (nanoseconds) for each place. */
const KEY = bytes("modelgate.vms");
const ENTRY: i32 = 16;
/** More VMs than this in one process share nothing that needs a place. */
export const MOST_VMS: i32 = 256;
/**
 * Without a beat for this long before the last but one of the VM that looks, a VM is gone: some four seconds
 * in all.
 */
const DEAD_AFTER: u64 = 2_000_000_000;
const ATTEMPTS = 64;

const places: usize = memory.data(256 * 16);

/**
 * The live instances of this plug-in in the Envoy process: one a worker (and one on the main thread), more
 * for a moment when a configuration replaces another. Each has a place in a shared value and renews it once a
 * second. A VM that ends says nothing: it stops renewing.
 */
export class VmRegistry {
  /** Differs from every other instance's. */
  readonly id: u64 = randomId();
  /** Of this VM; -1 while it has none. */
  place: i32 = -1;
  /** How many are alive, this one included. */
  live: i32 = 1;
  private known: i32 = 0;
  private lastBeat: u64 = 0;
  /**
   * The time by which others are judged: this VM's last beat but one. Who stood still, alone or with the
   * whole process, so waits a second for the others' beats.
   */
  private judgedAt: u64 = 0;

  /** Renews the place of this VM, or takes a free one. */
  beat(now: u64): void {
    this.judgedAt = this.lastBeat == 0 ? now : this.lastBeat;
    this.lastBeat = now;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      let place = -1;
      let free = -1;
      for (let i = 0; i < this.known && place < 0; i++) {
        if (load<u64>(places + i * ENTRY) == this.id) place = i;
        else if (free < 0 && this.isDead(i)) free = i;
      }
      if (place < 0) place = free >= 0 ? free : this.known;
      this.place = -1;
      if (place >= MOST_VMS) return;
      store<u64>(places + place * ENTRY, this.id);
      store<u64>(places + place * ENTRY + 8, now);
      this.known = max(this.known, place + 1);
      this.live = 0;
      for (let i = 0; i < this.known; i++) if (!this.isDead(i)) this.live++;
      if (!setShared(KEY, places, this.known * ENTRY, version)) continue;
      this.place = place;
      return;
    }
  }

  /** Is the VM with this tag at `place` alive? Looks again when the last look does not know it. */
  isLive(place: i32, tag: u32): bool {
    if (place < this.known && this.tagOf(place) == tag) return !this.isDead(place);
    this.read();
    return place < this.known && this.tagOf(place) == tag && !this.isDead(place);
  }

  /** Short form of this VM's id. */
  get tag(): u32 {
    return <u32>this.id;
  }

  /** Places that were ever taken. */
  get size(): i32 {
    return this.known;
  }

  private tagOf(place: i32): u32 {
    return load<u32>(places + place * ENTRY);
  }

  private isDead(place: i32): bool {
    const beat = load<u64>(places + place * ENTRY + 8);
    return this.judgedAt > beat && this.judgedAt - beat > DEAD_AFTER;
  }

  private read(): u32 {
    this.known = max(readShared(KEY, places, MOST_VMS * ENTRY), 0) / ENTRY;
    return sharedVersion();
  }
}
