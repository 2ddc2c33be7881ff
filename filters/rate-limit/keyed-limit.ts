import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Slice } from "../sdk/bytes/slice";
import { getShared, setShared, sharedValue, sharedVersion } from "../sdk/host/shared-data";
import { random_get } from "../sdk/host/wasi_snapshot_preview1";
import { HttpContext } from "../sdk/pipeline/http-context";
import { KeyTable } from "./key-table";
import { Lease } from "./lease";
import { Limit } from "./limit";
import { now } from "./now";
import { hash64, PathTemplate } from "./path-template";
import { RateLimited } from "./rate-limited";

/** Leases are kept for this many keys at once in a VM. */
const LEASES = 1024;
const SEED_KEY = bytes("modelgate.keys.seed");

const value: Slice = new Slice();
const seedBytes: usize = memory.data(8);

class KeyLease extends Lease {
  fingerprint: u64 = 0;
}

/** One limit for each value of a header, or for each thing that a path template names. */
export class KeyedLimit extends Limit {
  private readonly leases: StaticArray<KeyLease> = new StaticArray<KeyLease>(LEASES);
  private readonly table: KeyTable;
  private readonly seed: u64 = processSeed();

  /** Either `header` or `path` says what the key is. */
  constructor(
    name: string,
    reply: RateLimited,
    private readonly header: Bytes | null,
    private readonly path: PathTemplate | null,
    mostKeys: i32,
  ) {
    super(bytes(name), reply);
    this.table = new KeyTable(name, mostKeys);
    for (let i = 0; i < LEASES; i++) this.leases[i] = new KeyLease();
  }

  /** Hash of the key of a request; 0 when it has none, and so is not limited here. */
  fingerprintOf(http: HttpContext): u64 {
    const path = this.path;
    if (path != null) return path.match(http.path.ptr, http.path.len, this.seed);
    if (http.headers.find(this.header!, value) == 0) return 0;
    return hash64(value.ptr, value.len, this.seed) | 1;
  }

  take(fingerprint: u64, cost: f64, reserve: f64, largestReserve: f64): bool {
    return this.takeBy(this.leaseOf(fingerprint), cost, reserve, largestReserve);
  }

  refund(fingerprint: u64, cost: f64): void {
    this.leaseOf(fingerprint).refund(cost);
  }

  /** The lease of a key. Another key's in the same place ends: its tokens go back. */
  private leaseOf(fingerprint: u64): KeyLease {
    const lease = unchecked(this.leases[<i32>(fingerprint & (LEASES - 1))]);
    if (lease.fingerprint == fingerprint) return lease;
    if (lease.held != 0) this.table.refund(lease.fingerprint, this.windows, now(), lease.held);
    lease.held = 0;
    lease.emptyUntil = 0;
    lease.endTick(1);
    lease.fingerprint = fingerprint;
    return lease;
  }

  protected takeShared(lease: Lease, at: u64, need: f64, wanted: f64, reserve: f64, largest: f64): f64 {
    return this.table.take((<KeyLease>lease).fingerprint, this.windows, at, need, wanted, reserve, largest);
  }

  onTick(vms: i32): void {
    this.share(vms);
    for (let i = 0; i < LEASES; i++) {
      const lease = this.leases[i];
      if (lease.fingerprint == 0) continue;
      const back = lease.endTick(this.cap);
      if (back != 0) this.table.refund(lease.fingerprint, this.windows, now(), back);
    }
  }
}

/** A random number that all VMs of the process agree on: nobody outside can find keys that share a place. */
export function processSeed(): u64 {
  random_get(seedBytes, 8);
  const length = getShared(SEED_KEY);
  if (length == 8) return load<u64>(sharedValue());
  if (setShared(SEED_KEY, seedBytes, 8, sharedVersion())) return load<u64>(seedBytes);
  return getShared(SEED_KEY) == 8 ? load<u64>(sharedValue()) : 0;
}
