import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Char } from "../../sdk/bytes/chars";
import { RequestReader } from "../body/request-reader";

/** Role of containers that mean nothing. */
export const IGNORED: i32 = 0;

/** Most containers inside of each other. */
export const MAX_DEPTH: i32 = 32;
/** Bytes of a key that an error's path shows. */
const MAX_PATH_KEY: i32 = 64;

/** Where in a JSON document its reader is: the open containers, with the key or index of each. */
export abstract class JsonPlace extends RequestReader {
  protected depth: i32 = 0;
  private readonly roles: StaticArray<u8> = new StaticArray<u8>(MAX_DEPTH);
  /** Bit d: is the container at depth d an object? */
  private objects: u32 = 0;
  /** Of each open array, the index of its current element. */
  private readonly indices: StaticArray<i32> = new StaticArray<i32>(MAX_DEPTH);
  /** The current keys of the open objects, and where each depth's begins. */
  private readonly keys: ByteBuffer = new ByteBuffer();
  private readonly keyStarts: StaticArray<i32> = new StaticArray<i32>(MAX_DEPTH);

  /** Role of the innermost container; IGNORED outside of all. */
  protected get role(): i32 {
    return this.depth == 0 ? IGNORED : this.roles[this.depth - 1];
  }

  /** Role of the container around the innermost one. */
  protected get roleAbove(): i32 {
    return this.depth < 2 ? IGNORED : this.roles[this.depth - 2];
  }

  /** Is the innermost container an object? */
  protected get inObject(): bool {
    return ((this.objects >> (this.depth - 1)) & 1) != 0;
  }

  /** Index of the current element of the innermost container, an array. */
  protected get index(): i32 {
    return this.indices[this.depth - 1];
  }

  protected set index(value: i32) {
    this.indices[this.depth - 1] = value;
  }

  /** The current key of the innermost container, an object. */
  protected setKey(ptr: usize, len: i32): void {
    const keys = this.keys;
    keys.len = this.keyStarts[this.depth - 1];
    keys.append(ptr, min(len, MAX_PATH_KEY));
  }

  /** Steps into a container; the depth is below MAX_DEPTH. */
  protected enter(object: bool, role: i32): void {
    const d = this.depth++;
    this.roles[d] = <u8>role;
    this.indices[d] = 0;
    this.keyStarts[d] = this.keys.len;
    if (object) this.objects |= 1 << d;
    else this.objects &= ~(1 << d);
  }

  /** Steps out of the innermost container. */
  protected leave(): void {
    this.keys.len = this.keyStarts[--this.depth];
  }

  /** Goes back to the start of a document. */
  protected leaveAll(): void {
    this.depth = 0;
    this.keys.clear();
  }

  appendPath(out: ByteBuffer): void {
    for (let d = 0; d < this.depth; d++) {
      if (((this.objects >> d) & 1) == 0) {
        out.appendByte(Char.OPEN_BRACKET);
        out.appendDecimal(this.indices[d]);
        out.appendByte(Char.CLOSE_BRACKET);
        continue;
      }
      const from = this.keyStarts[d];
      const to = d + 1 < this.depth ? this.keyStarts[d + 1] : this.keys.len;
      if (to > from && d > 0) out.appendByte(Char.DOT);
      out.append(this.keys.ptr + from, to - from);
    }
  }
}
