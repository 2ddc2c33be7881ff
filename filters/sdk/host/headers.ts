import {
  proxy_get_header_map_pairs,
  proxy_get_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "@solo-io/proxy-runtime/assembly/imports";
import { ByteBuffer } from "../bytes/byte-buffer";
import { Bytes, bytes } from "../bytes/bytes";
import { Char } from "../bytes/chars";
import { Slice } from "../bytes/slice";
import { OK } from "./abi";
import { directNextAllocation, RESULT, resultLen, resultPtr } from "./arena";

/** Slots of the index by name. */
const SLOTS: i32 = 64;
/**
 * More headers than an index of bytes can number are looked for one by one, as are those that share a slot.
 */
const SHARED: u8 = 255;

/**
 * Tells the usual names of headers apart, by their length and three of their bytes: the factors were found by
 * trying.
 */
function slotOf(name: usize, len: i32): i32 {
  if (len == 0) return 0;
  const middle = load<u8>(name + (len >> 1));
  const last = load<u8>(name + len - 1);
  return (<i32>load<u8>(name) + 2 * (<i32>middle + <i32>last) + 3 * len) & (SLOTS - 1);
}

/**
 * All headers of a map, fetched with one host call and kept as long as the request. The memory is the host's
 * serialisation: u32 count, a (u32 name length, u32 value length) for each, then the bytes, each with a NUL
 * behind.
 */
export class Headers {
  private readonly memory: ByteBuffer = new ByteBuffer();
  private count: i32 = 0;
  /** By slot: 0 for no header, `SHARED`, or the number of the only one, from 1. */
  private readonly index: StaticArray<u8> = new StaticArray<u8>(SLOTS);
  /** By number, from 1: where its name starts. */
  private readonly starts: StaticArray<u32> = new StaticArray<u32>(SHARED);

  fetch(mapType: i32): void {
    const memory = this.memory;
    memory.clear();
    memory.reserve(4096);
    directNextAllocation(memory.ptr, memory.allocated);
    const status = proxy_get_header_map_pairs(mapType, RESULT, RESULT + 4);
    directNextAllocation(0, 0);
    // Without headers, such as those of a request that Envoy refused itself, the host hands over nothing at
    // all.
    if (status != OK || resultLen() == 0) {
      this.count = 0;
      return;
    }
    if (resultPtr() != memory.ptr) memory.append(resultPtr(), resultLen());
    this.count = load<i32>(memory.ptr);
    this.makeIndex();
  }

  private makeIndex(): void {
    const slots = changetype<usize>(this.index);
    for (let i: usize = 0; i < <usize>SLOTS; i += 8) store<u64>(slots + i, 0);
    const lengths = this.memory.ptr + 4;
    let at = lengths + <usize>this.count * 8;
    for (let i: i32 = 0; i < this.count; i++) {
      const nameLen = load<i32>(lengths + i * 8);
      const slot = slots + slotOf(at, nameLen);
      const number = i + 1;
      if (number < <i32>SHARED) this.starts[number] = <u32>at;
      store<u8>(slot, load<u8>(slot) == 0 && number < <i32>SHARED ? <u8>number : SHARED);
      at += nameLen + load<i32>(lengths + i * 8 + 4) + 2;
    }
  }

  /** Forgets the headers; memory of unusually many is given back. */
  clear(): void {
    this.count = 0;
    if (this.memory.allocated > 16384) this.memory.free();
  }

  /**
   * Removes each header with this lower-case name, or whose name starts with it, from the host's map. `_`
   * counts as `-`: servers that hand headers over as CGI variables tell the two apart no more (RFC 3875,
   * section 4.1.18).
   */
  drop(mapType: i32, name: Bytes, prefix: bool): void {
    const start = this.memory.ptr;
    let at = start + 4 + <usize>this.count * 8;
    for (let i: i32 = 0; i < this.count; i++) {
      const nameLen = load<i32>(start + 4 + i * 8);
      if ((prefix ? nameLen >= name.len : nameLen == name.len) && startsAlike(at, name)) {
        proxy_remove_header_map_value(mapType, at, nameLen);
      }
      at += nameLen + load<i32>(start + 8 + i * 8) + 2;
    }
  }

  /** `find` finds this header no more: a stage has removed it, for those behind it as well. */
  forget(name: Bytes): void {
    let at = this.memory.ptr + 4 + <usize>this.count * 8;
    for (let i: i32 = 0; i < this.count; i++) {
      const lengths = this.memory.ptr + 4 + i * 8;
      const nameLen = load<i32>(lengths);
      if (nameLen == name.len && memory.compare(at, name.ptr, nameLen) == 0) store<u8>(at, 0);
      at += nameLen + load<i32>(lengths + 4) + 2;
    }
  }

  /**
   * Looks for a header by its lower-case name and sets `value` to what was found.
   * @returns how often the header occurs; `value` is its first occurrence.
   */
  find(name: Bytes, value: Slice): i32 {
    return this.findAt(name.ptr, name.len, 0, value);
  }

  /**
   * As `find`, for the lower-case name [name, name + len); `value` is its occurrence number `wanted`, from 0.
   */
  findAt(name: usize, len: i32, wanted: i32, value: Slice): i32 {
    value.len = 0;
    if (this.count == 0) return 0;
    const number = load<u8>(changetype<usize>(this.index) + slotOf(name, len));
    if (number == SHARED) return this.search(name, len, wanted, value);
    if (number == 0) return 0;
    const lengths = this.memory.ptr - 4 + <usize>number * 8;
    const at = <usize>unchecked(this.starts[number]);
    if (load<i32>(lengths) != len || memory.compare(name, at, len) != 0) return 0;
    if (wanted > 0) return 1;
    value.ptr = at + len + 1;
    value.len = load<i32>(lengths + 4);
    return 1;
  }

  private search(name: usize, len: i32, wanted: i32, value: Slice): i32 {
    const start = this.memory.ptr;
    let at = start + 4 + <usize>this.count * 8;
    let found = 0;
    for (let i: i32 = 0; i < this.count; i++) {
      const nameLen = load<i32>(start + 4 + i * 8);
      const valueLen = load<i32>(start + 8 + i * 8);
      if (nameLen == len && memory.compare(name, at, len) == 0) {
        if (found == wanted) {
          value.ptr = at + nameLen + 1;
          value.len = valueLen;
        }
        found++;
      }
      at += nameLen + valueLen + 2;
    }
    return found;
  }
}

function startsAlike(ptr: usize, name: Bytes): bool {
  for (let i: i32 = 0; i < name.len; i++) {
    const c = load<u8>(ptr + i);
    const wanted = load<u8>(name.ptr + i);
    if (
      c != wanted &&
      (c != Char.UNDERSCORE || wanted != Char.MINUS) &&
      (c != Char.MINUS || wanted != Char.UNDERSCORE)
    )
      return false;
  }
  return true;
}

/**
 * Reads one header (several of one name come joined).
 * @returns its length, -1 when absent; it is at `headerValue()`.
 */
export function getHeader(mapType: i32, name: Bytes): i32 {
  if (proxy_get_header_map_value(mapType, name.ptr, name.len, RESULT, RESULT + 4) != OK) return -1;
  return resultPtr() == 0 ? -1 : resultLen();
}

export function headerValue(): usize {
  return resultPtr();
}

export function setHeader(mapType: i32, name: Bytes, ptr: usize, len: i32): void {
  proxy_replace_header_map_value(mapType, name.ptr, name.len, ptr, len);
}

export function removeHeader(mapType: i32, name: Bytes): void {
  proxy_remove_header_map_value(mapType, name.ptr, name.len);
}

/** Headers to hand to the host in one piece, in its serialisation. Built at start, or in a reused buffer. */
export class HeaderPairs {
  readonly memory: ByteBuffer = new ByteBuffer();
  private readonly lengths: ByteBuffer = new ByteBuffer();
  private readonly content: ByteBuffer = new ByteBuffer();
  private count: i32 = 0;

  clear(): void {
    this.lengths.clear();
    this.content.clear();
    this.count = 0;
  }

  add(name: Bytes, ptr: usize, len: i32): void {
    this.lengths.reserve(8);
    store<i32>(this.lengths.end, name.len);
    store<i32>(this.lengths.end + 4, len);
    this.lengths.len += 8;
    this.content.appendBytes(name);
    this.content.appendByte(0);
    this.content.append(ptr, len);
    this.content.appendByte(0);
    this.count++;
  }

  /** Adds a header whose value is a literal or of the configuration. */
  addText(name: Bytes, value: string): void {
    const text = bytes(value);
    this.add(name, text.ptr, text.len);
  }

  /** Adds all of other pairs. */
  addAll(more: HeaderPairs): void {
    this.lengths.append(more.lengths.ptr, more.lengths.len);
    this.content.append(more.content.ptr, more.content.len);
    this.count += more.count;
  }

  /** Writes the serialisation into `memory`. */
  serialise(): void {
    const memory = this.memory;
    memory.clear();
    memory.reserve(4);
    store<i32>(memory.ptr, this.count);
    memory.len = 4;
    memory.append(this.lengths.ptr, this.lengths.len);
    memory.append(this.content.ptr, this.content.len);
  }

  /** Gives the memory back: for pairs that go with a plug-in. */
  free(): void {
    this.memory.free();
    this.lengths.free();
    this.content.free();
    this.count = 0;
  }
}
