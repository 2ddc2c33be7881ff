import { bytes } from "../sdk/bytes/bytes";
import { readShared, setShared, sharedVersion } from "../sdk/host/shared-data";
import { spread32 } from "./path-template";
import { MOST_VMS, VmRegistry } from "./vm-registry";

/**
 * Who has how many permits in the Envoy process: a fixed number of sets in shared data, each a run of records
 * (u64 fingerprint, u32 tag of a VM, u32 its place in the top byte and its permits below). A record of no
 * permits goes, and one of a VM that ended, so what lies here is bounded by what is in flight.
 */

const SETS: u32 = 4096;
const RECORD: i32 = 16;
const MOST_RECORDS: i32 = 64;
const PERMITS: u32 = 0xffffff;
const PLACE_SHIFT: u32 = 24;

const key = bytes("modelgate.shares.....");
const set: usize = memory.data(16 * 64);
let length: i32 = 0;

/** Loads the set of a pair. @returns its version, for `writeSet` */
export function readSet(fingerprint: u64): u32 {
  store<u32>(key.ptr + key.len - 4, spread32(fingerprint) & (SETS - 1));
  length = max(readShared(key, set, MOST_RECORDS * RECORD), 0);
  return sharedVersion();
}

/** Stores the set that was read last. @returns false when another VM was first */
export function writeSet(version: u32): bool {
  return setShared(key, set, length, version);
}

/** Permits of a pair that live VMs have; what those have that ended is dropped. */
export function permitsOf(fingerprint: u64, registry: VmRegistry): i32 {
  let sum: u32 = 0;
  for (let at: i32 = 0; at < length; ) {
    const record = set + at;
    const count = load<u32>(record, 12);
    if (!registry.isLive(<i32>(count >> PLACE_SHIFT), load<u32>(record, 8))) {
      drop(record);
      continue;
    }
    if (load<u64>(record) == fingerprint) sum += count & PERMITS;
    at += RECORD;
  }
  return <i32>sum;
}

/** Adds to this VM's permits of a pair. @returns false when they can't be counted: no place, or a full set */
export function addPermits(fingerprint: u64, registry: VmRegistry, permits: i32): bool {
  const place = registry.place;
  if (place < 0 || place >= MOST_VMS) return false;
  let at: i32 = 0;
  while (at < length && (load<u64>(set + at) != fingerprint || load<u32>(set + at, 8) != registry.tag))
    at += RECORD;
  if (at == length) {
    if (length == MOST_RECORDS * RECORD) return false;
    store<u64>(set + at, fingerprint);
    store<u32>(set + at, registry.tag, 8);
    store<u32>(set + at, 0, 12);
    length += RECORD;
  }
  const before: u32 = load<u32>(set + at, 12) & PERMITS;
  const after: u32 = <u32>max(<i32>before + permits, 0);
  if (after == 0) drop(set + at);
  else store<u32>(set + at, ((<u32>place) << PLACE_SHIFT) | after, 12);
  return true;
}

/** The last record takes the place of this one. */
function drop(record: usize): void {
  length -= RECORD;
  memory.copy(record, set + length, RECORD);
}
