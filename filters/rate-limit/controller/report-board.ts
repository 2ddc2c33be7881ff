import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { NameTable } from "../../sdk/bytes/name-table";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";
import { LimitTables } from "../limit-tables";
import { Counters, NamedLimit } from "../named-limit";
import { KINDS } from "./limit-records";

/**
 * A record: u8 kind, u8 0, u16 length of the name, u32 admitted, u32 refused, i32 in flight, u32 measured,
 * u64 latency in microseconds, the name.
 */
const FIXED: i32 = 28;

const blob: ByteBuffer = new ByteBuffer();

/**
 * How the VMs tell the one that reports what they counted: each has a shared value, writes its counts there
 * when it is empty and begins anew, and the reporting VM empties it. So every request is reported once.
 */
export class ReportBoard {
  private readonly key: Bytes;

  constructor(gateway: string) {
    this.key = bytes(`modelgate.report.${gateway}.....`);
  }

  private keyOf(place: i32): Bytes {
    store<i32>(this.key.ptr + this.key.len - 4, place);
    return this.key;
  }

  /** Leaves this VM's counts, unless the last ones are still there. */
  publish(place: i32, tables: LimitTables): void {
    const length = getShared(this.keyOf(place));
    if (length > 0) return;
    const version = sharedVersion();
    blob.clear();
    for (let kind = 0; kind < KINDS; kind++) appendAll(<u8>kind, tables.of(kind));
    if (blob.len == 0 || !setShared(this.key, blob.ptr, blob.len, version)) return;
    for (let kind = 0; kind < KINDS; kind++) clearAll(tables.of(kind));
  }

  /** Adds what lies at places 0 to `places` - 1 to the totals. */
  collect(places: i32, tables: LimitTables): void {
    for (let place = 0; place < places; place++) {
      const length = getShared(this.keyOf(place));
      if (length <= 0) continue;
      const from = sharedValue();
      if (!setShared(this.key, 0, 0, sharedVersion())) continue;
      for (let at = from; at < from + length; ) {
        const nameLen = load<u16>(at + 2);
        const limit = tables.of(load<u8>(at)).find(at + FIXED, nameLen);
        if (limit != null) addTo(limit.total, at);
        at += FIXED + nameLen;
      }
    }
  }
}

function addTo(total: Counters, at: usize): void {
  total.admitted += load<u32>(at + 4);
  total.refused += load<u32>(at + 8);
  total.inFlight += load<i32>(at + 12);
  total.measured += load<u32>(at + 16);
  total.latencyMicros += load<u64>(at + 20);
}

function appendAll(kind: u8, limits: NameTable<NamedLimit>): void {
  for (let i = 0; i < limits.count; i++) {
    const limit = limits.values[i];
    const counters = limit.counters;
    if (!counters.any) continue;
    blob.reserve(FIXED);
    const at = blob.end;
    store<u8>(at, kind);
    store<u8>(at + 1, 0);
    store<u16>(at + 2, <u16>limit.name.len);
    store<u32>(at + 4, counters.admitted);
    store<u32>(at + 8, counters.refused);
    store<i32>(at + 12, counters.inFlight);
    store<u32>(at + 16, counters.measured);
    store<u64>(at + 20, counters.latencyMicros);
    blob.len += FIXED;
    blob.appendBytes(limit.name);
  }
}

function clearAll(limits: NameTable<NamedLimit>): void {
  for (let i = 0; i < limits.count; i++) limits.values[i].counters.clear();
}
