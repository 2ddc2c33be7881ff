import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes, fnv1a } from "../../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";
import { GENERATION_SIZE, GONE, LimitRecord } from "./limit-records";
import { LimitsReply, MOST_LIMITS } from "./limits-reply";

const blob: ByteBuffer = new ByteBuffer();
const record: LimitRecord = new LimitRecord();
const other: LimitRecord = new LimitRecord();

/** The limits that hold, in shared data: each VM reads them there, also one that starts later. */
export class LimitsStore {
  private readonly key: Bytes;

  constructor(gateway: string) {
    this.key = bytes(`modelgate.limits.${gateway}`);
  }

  /** Loads the stored limits. @returns their generation, 0 when there are none; see `records` */
  load(): u64 {
    const length = getShared(this.key);
    if (length < GENERATION_SIZE) return 0;
    this.records = sharedValue() + GENERATION_SIZE;
    this.end = sharedValue() + length;
    return load<u64>(sharedValue());
  }

  /** After `load`: where the records lie, valid until the next callback. */
  records: usize = 0;
  end: usize = 0;

  /**
   * Stores what the controller answered to a report of generation `reported`.
   * @returns false when it is a change of something else than what is stored, or would make more limits than
   *   there can be
   */
  store(reply: LimitsReply, reported: u64): bool {
    const length = getShared(this.key);
    const version = sharedVersion();
    const held = length >= GENERATION_SIZE ? load<u64>(sharedValue()) : 0;
    if (!reply.full && held != reported) return false;
    if (!reply.full && reply.generation == held && reply.count == 0) return true;
    if (reply.generation == 0 || (!reply.full && held == 0)) return false;
    blob.clear();
    blob.reserve(GENERATION_SIZE);
    store<u64>(blob.ptr, reply.generation);
    blob.len = GENERATION_SIZE;
    let count = 0;
    if (!reply.full) {
      indexNames(reply);
      const end = sharedValue() + length;
      for (let at = sharedValue() + GENERATION_SIZE; at < end; ) {
        at = record.read(at);
        if (isNamed(record)) continue;
        record.append(blob);
        count++;
      }
      heap.free(slots);
    }
    const end = reply.limits.end;
    for (let at = reply.limits.ptr; at < end; ) {
      at = record.read(at);
      if (record.has(GONE)) continue;
      record.append(blob);
      count++;
    }
    return count <= MOST_LIMITS && setShared(this.key, blob.ptr, blob.len, version);
  }
}

/** Which limits a reply names: a hash table of pointers to its records. */
let slots: usize = 0;
let mask: u32 = 0;

function indexNames(reply: LimitsReply): void {
  const size = (<u32>1) << (33 - clz<u32>(max<u32>(reply.count, 1)));
  mask = size - 1;
  slots = heap.alloc(size << 2);
  memory.fill(slots, 0, size << 2);
  for (let at = reply.limits.ptr; at < reply.limits.end; ) {
    const next = record.read(at);
    store<u32>(slotOf(record), <u32>at);
    at = next;
  }
}

function isNamed(wanted: LimitRecord): bool {
  return load<u32>(slotOf(wanted)) != 0;
}

function slotOf(wanted: LimitRecord): usize {
  let at = (fnv1a(wanted.name, wanted.nameLen) + wanted.kind) & mask;
  while (true) {
    const slot = slots + (at << 2);
    const found = load<u32>(slot);
    if (found == 0) return slot;
    other.read(found);
    const same = other.kind == wanted.kind && other.nameLen == wanted.nameLen;
    if (same && memory.compare(other.name, wanted.name, wanted.nameLen) == 0) return slot;
    at = (at + 1) & mask;
  }
}
