import { Bytes, bytes } from "../sdk/bytes/bytes";
import { readShared, setShared, sharedVersion } from "../sdk/host/shared-data";
import { spread32 } from "./path-template";
import { charge, fill, levelOf, refill, STATE_SIZE, take, WINDOWS, Windows } from "./token-bucket";

/** An entry: fingerprint of its key (0: free), then the state of its bucket. */
const ENTRY: i32 = 8 + STATE_SIZE;
const WAYS: i32 = 4;
const SET: i32 = WAYS * ENTRY;
const ATTEMPTS = 16;

const set: usize = memory.data(WAYS * (8 + STATE_SIZE));

/**
 * Token buckets for keys that nobody can list beforehand, in a fixed number of places in shared data: sets of
 * four, one shared value a set.
 *
 * A key that finds its set full takes the place of the fullest bucket, **with that bucket's level**. So who
 * floods the table with new keys gets no fresh buckets for them, and cannot reset a bucket that is drained:
 * the fullest goes first, and what comes back in its place starts no fuller. All keys together never get more
 * than the table's places would.
 */
export class KeyTable {
  private readonly key: Bytes;
  private readonly mask: u32;

  /** @param most how many keys it holds; rounded up to a power of two */
  constructor(name: string, most: i32) {
    this.key = bytes(`modelgate.keys.${name}.....`);
    this.mask = ((<u32>1) << (32 - clz<u32>(max<u32>(<u32>(most - 1) / WAYS, 1)))) - 1;
  }

  /** Loads the set that `fingerprint` belongs to. @returns its version */
  private load(fingerprint: u64): u32 {
    store<u32>(this.key.ptr + this.key.len - 4, spread32(fingerprint) & this.mask);
    if (readShared(this.key, set, SET) != SET) memory.fill(set, 0, SET);
    return sharedVersion();
  }

  private indexOf(fingerprint: u64): i32 {
    for (let way = 0; way < WAYS; way++) if (load<u64>(set + way * ENTRY) == fingerprint) return way;
    return -1;
  }

  /** A place for a new key: a free one, else that of the fullest bucket. */
  private place(windows: Windows, now: u64): i32 {
    let fullest = 0;
    let most: f64 = -Infinity;
    for (let way = 0; way < WAYS; way++) {
      const entry = set + way * ENTRY;
      if (load<u64>(entry) == 0) {
        fill(entry + 8);
        return way;
      }
      refill(entry + 8, windows, now);
      let level: f64 = Infinity;
      for (let w = 0; w < WINDOWS; w++) {
        if (windows.limited(w)) level = min(level, levelOf(entry + 8, w) / windows.bursts[w]);
      }
      if (level > most) {
        most = level;
        fullest = way;
      }
    }
    return fullest;
  }

  /** `take` of token-bucket.ts on the bucket of `fingerprint`. */
  take(
    fingerprint: u64,
    windows: Windows,
    now: u64,
    need: f64,
    wanted: f64,
    reserve: f64,
    largest: f64,
  ): f64 {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.load(fingerprint);
      let way = this.indexOf(fingerprint);
      if (way < 0) way = this.place(windows, now);
      const entry = set + way * ENTRY;
      store<u64>(entry, fingerprint);
      refill(entry + 8, windows, now);
      const taken = take(entry + 8, windows, need, wanted, reserve, largest);
      if (taken < 0 || setShared(this.key, set, SET, version)) return taken;
    }
    return -1;
  }

  /** Gives tokens back to the bucket of `fingerprint`, or takes a debt from it, if it is still there. */
  refund(fingerprint: u64, windows: Windows, now: u64, tokens: f64): void {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const version = this.load(fingerprint);
      const way = this.indexOf(fingerprint);
      if (way < 0) return;
      const state = set + way * ENTRY + 8;
      refill(state, windows, now);
      charge(state, windows, -tokens);
      if (setShared(this.key, set, SET, version)) return;
    }
  }
}
