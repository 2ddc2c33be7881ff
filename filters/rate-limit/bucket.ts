import { Bytes, bytes } from "../sdk/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/shared-data";
import { advance, available } from "./gcra";

const SECOND: f64 = 1_000_000_000;
/** A VM takes tokens for about this part of a second at once, so that most requests touch no shared data. */
const LEASES_PER_SECOND: f64 = 200;
/** Another VM wins a race at most this often before the request is let wait for the next one. */
const ATTEMPTS = 16;

const state: usize = memory.data(8);

/**
 * One limit, held once for the whole Envoy process in shared data. Tokens are leased from it in small batches: what is
 * admitted never exceeds what the bucket gave.
 */
export class Bucket {
  private readonly interval: u64;
  private readonly lease: u64;
  private readonly sharedKey: Bytes;
  private held: u64 = 0;

  constructor(
    readonly name: Bytes,
    kind: string,
    text: string,
    requestsPerSecond: f64,
    private readonly burst: u64,
  ) {
    this.interval = max<u64>(<u64>Math.round(SECOND / requestsPerSecond), 1);
    this.lease = max<u64>(1, min<u64>(<u64>(requestsPerSecond / LEASES_PER_SECOND), burst));
    this.sharedKey = bytes(`modelgate.bucket.${kind}.${text}`);
  }

  /** Takes one token at time `now`. @returns false when there is none. */
  take(now: u64): bool {
    if (this.held == 0) this.held = this.leaseTokens(now);
    if (this.held == 0) return false;
    this.held--;
    return true;
  }

  /** Gives back the token just taken. */
  giveBack(): void {
    this.held++;
  }

  private leaseTokens(now: u64): u64 {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const found = getShared(this.sharedKey) == 8;
      const tat: u64 = found ? load<u64>(sharedValue()) : 0;
      const tokens = available(tat, now, this.interval, this.burst, this.lease);
      if (tokens == 0) return 0;
      store<u64>(state, advance(tat, now, this.interval, tokens));
      if (setShared(this.sharedKey, state, 8, sharedVersion())) return tokens;
    }
    return 0;
  }
}
