import { Bytes, bytes } from "../bytes/bytes";
import { monotonicNanos } from "../host/clock";

let since: u64 = 0;

/** Starts the clock of the next stage. */
export function startLap(): void {
  since = monotonicNanos();
}

/** How long each stage was busy with one stream, by its place in the pipeline. Measured where the plug-in wants it. */
export class StageTimes {
  private nanos: StaticArray<u64> = new StaticArray<u64>(0);

  /** Forgets the last stream. */
  reset(stages: i32): void {
    if (this.nanos.length < stages) this.nanos = new StaticArray<u64>(stages);
    for (let i = 0; i < stages; i++) this.nanos[i] = 0;
  }

  /** The stage at `slot` is done, and the next one begins. */
  lap(slot: i32): void {
    const now = monotonicNanos();
    this.nanos[slot] += now - since;
    since = now;
  }

  /** Nanoseconds. */
  of(slot: i32): u64 {
    return this.nanos[slot];
  }
}

/** Name of a stage's time in a log: its `key` in snake case. */
export function phaseName(key: string): Bytes {
  let name = "";
  for (let i = 0; i < key.length; i++) {
    const c = key.charAt(i);
    const lower = c.toLowerCase();
    name += c == lower ? c : `_${lower}`;
  }
  return bytes(name);
}
