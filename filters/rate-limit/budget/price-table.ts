import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes, fnv1a } from "../../sdk/bytes/bytes";
import { getShared, setShared, sharedValue, sharedVersion } from "../../sdk/host/shared-data";

/**
 * The price table in shared data: u8 length of the version, the version, the currency's three letters, then
 * of each task u64 prices of a million tokens (input, cached, output, reasoning) in micro-units, u16 length
 * of its id, the id.
 */
const KEY = bytes("modelgate.prices");
const ANY = bytes("*");
const PRICES: i32 = 32;
const CURRENCY: i32 = 3;
const TOKENS: u64 = 1_000_000;

/** Begins a table in `out`. */
export function startPrices(out: ByteBuffer, version: ByteBuffer, currency: ByteBuffer): void {
  out.clear();
  out.appendByte(<u8>version.len);
  out.append(version.ptr, version.len);
  out.append(currency.ptr, currency.len);
}

/** Publishes a table for all VMs. */
export function publishPrices(table: ByteBuffer): void {
  setShared(KEY, table.ptr, table.len, 0);
}

/** Appends the version of the table that is published, nothing without one. */
export function appendPricesVersion(out: ByteBuffer): void {
  if (getShared(KEY) > 0) out.append(sharedValue() + 1, load<u8>(sharedValue()));
}

/** The prices as one VM looks them up. */
export class PriceTable {
  private readonly table: ByteBuffer = new ByteBuffer();
  /** A hash table of places in `table` plus one. */
  private readonly slots: ByteBuffer = new ByteBuffer();
  private mask: u32 = 0;
  private seen: u32 = 0;

  /** Once a second: takes a table that was published since. */
  refresh(): void {
    const length = getShared(KEY);
    if (length <= 0 || sharedVersion() == this.seen) return;
    this.seen = sharedVersion();
    this.table.clear();
    this.table.append(sharedValue(), length);
    this.index();
  }

  /** The currency's three letters; 0 without a table. */
  get currency(): usize {
    return this.table.len == 0 ? 0 : this.table.ptr + 1 + load<u8>(this.table.ptr);
  }

  /**
   * What a call of a task costs, in micro-units, rounded up.
   * @param input tokens, without those that were cached; and so on
   * @returns -1 when the task has no price
   */
  cost(task: usize, len: i32, input: u64, cached: u64, output: u64, reasoning: u64): i64 {
    let row = this.find(task, len);
    if (row == 0) row = this.find(ANY.ptr, ANY.len);
    if (row == 0) return -1;
    const sum =
      input * load<u64>(row) +
      cached * load<u64>(row, 8) +
      output * load<u64>(row, 16) +
      reasoning * load<u64>(row, 24);
    return <i64>((sum + TOKENS - 1) / TOKENS);
  }

  /** Gives the memory back. */
  free(): void {
    this.table.free();
    this.slots.free();
  }

  private index(): void {
    const first = 1 + <i32>load<u8>(this.table.ptr) + CURRENCY;
    let rows = 0;
    for (let at = first; at < this.table.len; at = this.behind(at)) rows++;
    const size = (<u32>1) << (33 - clz<u32>(max<u32>(rows, 1)));
    this.mask = size - 1;
    this.slots.clear();
    this.slots.reserve((<i32>size) << 2);
    memory.fill(this.slots.ptr, 0, (<usize>size) << 2);
    for (let at = first; at < this.table.len; at = this.behind(at)) {
      const id = this.table.ptr + at + PRICES + 2;
      store<u32>(this.slotOf(id, load<u16>(id - 2)), <u32>at + 1);
    }
  }

  /** @returns where the prices of a task are, 0 when it has none */
  private find(task: usize, len: i32): usize {
    if (this.table.len == 0) return 0;
    const place = load<u32>(this.slotOf(task, len));
    return place == 0 ? 0 : this.table.ptr + place - 1;
  }

  private slotOf(task: usize, len: i32): usize {
    let at = fnv1a(task, len) & this.mask;
    while (true) {
      const slot = this.slots.ptr + ((<usize>at) << 2);
      const place = load<u32>(slot);
      if (place == 0) return slot;
      const id = this.table.ptr + place - 1 + PRICES + 2;
      if (<i32>load<u16>(id - 2) == len && memory.compare(id, task, len) == 0) return slot;
      at = (at + 1) & this.mask;
    }
  }

  private behind(at: i32): i32 {
    return at + PRICES + 2 + <i32>load<u16>(this.table.ptr + at + PRICES);
  }
}
