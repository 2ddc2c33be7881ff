import { Bytes, bytes } from "../bytes/bytes";
import { monotonicNanos } from "../host/clock";

/** When the stage that runs now began (nanoseconds). */
let since: u64 = 0;

/**
 * How long each stage was busy with one stream, by its place in the pipeline. Measured where the plug-in
 * wants it.
 */
export class StageTimes {
  private nanos: StaticArray<u64> = new StaticArray<u64>(0);
  private on: bool = false;

  /** Forgets the last stream. @param on whether the next one is measured */
  reset(stages: i32, on: bool): void {
    this.on = on;
    if (!on) return;
    if (this.nanos.length < stages) this.nanos = new StaticArray<u64>(stages);
    for (let i = 0; i < stages; i++) this.nanos[i] = 0;
  }

  /** The host calls the stages: the clock of the first one starts. */
  start(): void {
    if (this.on) since = monotonicNanos();
  }

  /** The stage at `slot` is done, and the next one begins. */
  lap(slot: i32): void {
    if (this.on) this.add(slot);
  }

  private add(slot: i32): void {
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
