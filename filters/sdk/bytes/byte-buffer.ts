import { Bytes } from "./bytes";
import { Char } from "./chars";

/** A growable run of bytes, reused from request to request: `clear` keeps its memory. */
export class ByteBuffer {
  ptr: usize = 0;
  len: i32 = 0;
  private capacity: i32 = 0;

  /** Makes room for `extra` more bytes; pointers taken before are void after it. */
  reserve(extra: i32): void {
    const needed = this.len + extra;
    if (needed <= this.capacity) return;
    this.capacity = max(needed, max(this.capacity * 2, 256));
    this.ptr = this.ptr == 0 ? heap.alloc(this.capacity) : heap.realloc(this.ptr, this.capacity);
  }

  /** First byte after the content. */
  get end(): usize {
    return this.ptr + this.len;
  }

  clear(): void {
    this.len = 0;
  }

  /** Gives the memory back: for what grew far beyond the usual. */
  free(): void {
    if (this.ptr != 0) heap.free(this.ptr);
    this.ptr = 0;
    this.len = 0;
    this.capacity = 0;
  }

  /** Gives memory beyond the content back; pointers taken before are void after it. */
  trim(): void {
    if (this.ptr == 0) return;
    this.capacity = max(this.len, 1);
    this.ptr = heap.realloc(this.ptr, this.capacity);
  }

  get allocated(): i32 {
    return this.capacity;
  }

  appendByte(value: u8): void {
    this.reserve(1);
    store<u8>(this.end, value);
    this.len++;
  }

  append(ptr: usize, len: i32): void {
    this.reserve(len);
    memory.copy(this.end, ptr, len);
    this.len += len;
  }

  appendBytes(value: Bytes): void {
    this.append(value.ptr, value.len);
  }

  /** Decimal digits of `value`. */
  appendDecimal(value: u64): void {
    this.reserve(20);
    let digits = 1;
    for (let rest = value / 10; rest > 0; rest /= 10) digits++;
    let at = this.end + digits;
    let rest = value;
    do {
      at--;
      store<u8>(at, Char._0 + <u8>(rest % 10));
      rest /= 10;
    } while (rest > 0);
    this.len += digits;
  }
}
