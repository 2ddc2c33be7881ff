import { Bytes, bytes } from "../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/host/shared-data";
import { nextAverage, nextLimit } from "./gradient";
import { now } from "./now";
import { MOST_VMS, VmRegistry } from "./vm-registry";

/**
 * The value: f64 adaptive limit, f64 long average of the latency (microseconds), then (u32 tag, u32 permits)
 * a place.
 */
const HEADER: i32 = 16;
const ENTRY: i32 = 8;
const ATTEMPTS = 16;
/**
 * The adaptive limit moves once in this time (nanoseconds) in each VM, if that many requests were measured.
 */
const WINDOW: u64 = 100_000_000;
const FEWEST_SAMPLES: u32 = 10;
/** A VM keeps up to this part of the limit, divided by the VMs, at hand. */
const SPARE_PART: i32 = 8;

const value: usize = memory.data(16 + 256 * 8);

/**
 * How many requests of a task may be in flight at once in the whole process.
 *
 * Process-wide, not a share for each VM: connections are spread unevenly over workers, and a worker with all
 * of them must get the whole limit. A VM takes permits from a shared value, which also says which VM has how
 * many, so that those of a VM that ended are free again. It keeps a few idle permits at hand when the limit
 * is large; a small limit is exact and costs two shared-data writes a request.
 */
export class Concurrency {
  private readonly key: Bytes;
  /** The hard cap; below 0: none. */
  private cap: i32 = -1;
  private configured: i32 = -1;
  /** Bounds of the adaptive limit; `most` 0: it is off. */
  private least: f64 = 0;
  private most: f64 = 0;
  private initial: f64 = 0;
  private seen: i32 = 0;
  private idle: i32 = 0;
  private spare: i32 = 0;
  private entered: bool = false;
  private latencyMicros: f64 = 0;
  private samples: u32 = 0;
  private windowEnd: u64 = 0;

  constructor(
    name: string,
    private readonly registry: VmRegistry,
  ) {
    this.key = bytes(`modelgate.concurrency.${name}`);
  }

  /** Sets the hard cap of the plug-in configuration; below 0: none. */
  configure(cap: i32): void {
    this.configured = cap;
    this.cap = cap;
  }

  /** Sets the controller's hard cap; below 0: back to the configured one. */
  control(cap: i32): void {
    const next = cap < 0 ? this.configured : cap;
    if (next == this.cap) return;
    this.cap = next;
    this.spare = 0;
    this.release(this.idle);
  }

  /** Turns the adaptive limit on. */
  adapt(least: f64, initial: f64, most: f64): void {
    this.least = least;
    this.initial = initial;
    this.most = most;
    this.seen = <i32>initial;
  }

  get adaptive(): bool {
    return this.most > 0;
  }

  get active(): bool {
    return this.cap >= 0 || this.adaptive;
  }

  /** The limit as this VM saw it last. */
  get limit(): i32 {
    return this.adaptive ? this.seen : this.cap;
  }

  /** Is there no permit at present? Takes none. */
  isFull(): bool {
    if (this.idle > 0) return false;
    this.read();
    return this.allowed() - this.inUse() <= 0;
  }

  /** Takes a permit. @returns false when there is none */
  enter(): bool {
    this.entered = true;
    if (this.idle > 0) {
      this.idle--;
      return true;
    }
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      const allowed = this.allowed();
      const free = allowed - this.inUse();
      this.keepSpare(allowed, free);
      if (free <= 0) return false;
      const permits = min(free, 1 + this.spare);
      if (!this.own(permits)) return true;
      if (!this.write(version)) continue;
      this.idle += permits - 1;
      return true;
    }
    return false;
  }

  /** Gives a permit back. */
  leave(): void {
    this.idle++;
    if (this.idle > this.spare) this.release(this.idle - this.spare);
  }

  /** Learns the latency of a request that succeeded, in microseconds. */
  measure(latencyMicros: f64): void {
    if (!this.adaptive) return;
    this.latencyMicros += latencyMicros;
    this.samples++;
    if (now() < this.windowEnd || this.samples < FEWEST_SAMPLES) return;
    const mean = this.latencyMicros / this.samples;
    this.windowEnd = now() + WINDOW;
    this.latencyMicros = 0;
    this.samples = 0;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      const average = nextAverage(load<f64>(value + 8), mean);
      const inUse = this.inUse();
      const limit = nextLimit(load<f64>(value), average, mean, <f64>inUse, this.least, this.most);
      store<f64>(value, limit);
      store<f64>(value + 8, average);
      const allowed = this.allowed();
      this.keepSpare(allowed, allowed - inUse);
      if (this.write(version)) return;
    }
  }

  /** Permits that nobody used for a tick go back. */
  onTick(): void {
    if (!this.entered && this.idle > 0) this.release(this.idle);
    this.entered = false;
  }

  /**
   * How many permits to keep at hand: none while more are in use than allowed, else those that leave serve
   * who enters.
   */
  private keepSpare(allowed: i32, free: i32): void {
    this.spare = free < 0 ? 0 : allowed / (SPARE_PART * this.registry.live);
  }

  private release(permits: i32): void {
    if (permits == 0) return;
    this.idle -= permits;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.read();
      if (!this.own(-permits) || this.write(version)) return;
    }
  }

  private allowed(): i32 {
    const adaptive = this.adaptive ? <i32>load<f64>(value) : i32.MAX_VALUE;
    this.seen = this.cap >= 0 ? min(this.cap, adaptive) : adaptive;
    return this.seen;
  }

  private length: i32 = 0;

  private read(): u32 {
    const length = getShared(this.key);
    this.length = max(length, HEADER);
    if (length >= HEADER) memory.copy(value, sharedValue(), length);
    else {
      store<f64>(value, this.initial);
      store<f64>(value + 8, 0);
    }
    if (this.adaptive) {
      const limit = load<f64>(value);
      store<f64>(value, min(max(limit == 0 ? this.initial : limit, this.least), this.most));
    }
    return sharedVersion();
  }

  private write(version: u32): bool {
    return setShared(this.key, value, this.length, version);
  }

  /** Permits of all live VMs; those of the others are dropped. */
  private inUse(): i32 {
    let sum = 0;
    for (let at = HEADER; at < this.length; at += ENTRY) {
      const permits = load<i32>(value + at + 4);
      if (permits == 0) continue;
      if (this.registry.isLive((at - HEADER) / ENTRY, load<u32>(value + at))) sum += permits;
      else store<i32>(value + at + 4, 0);
    }
    return sum;
  }

  /** Adds to this VM's permits. @returns false when it has no place to count them at */
  private own(permits: i32): bool {
    const place = this.registry.place;
    if (place < 0 || place >= MOST_VMS) return false;
    const at = HEADER + place * ENTRY;
    while (this.length <= at) {
      store<u64>(value + this.length, 0);
      this.length += ENTRY;
    }
    const before = load<u32>(value + at) == this.registry.tag ? load<i32>(value + at + 4) : 0;
    store<u32>(value + at, this.registry.tag);
    store<i32>(value + at + 4, max(before + permits, 0));
    return true;
  }
}
