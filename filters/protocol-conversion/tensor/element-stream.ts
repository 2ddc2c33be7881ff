import { Datatype, elementSize } from "../../model-protocol/datatype";
import { Char } from "../../sdk/bytes/chars";
import { readVarint, varint } from "../../sdk/bytes/protobuf";
import { SlabChain } from "../body/slabs";
import { textsWritten, writeElement, writeElements, writeText, writeTextRun } from "./write-elements";

/** How the elements of a run of bytes stand in it. */
export enum Encoding {
  /** Little-endian; of BYTES, each with its length in four bytes before it. */
  Raw,
  Varints,
  /** The bytes of one element. */
  Text,
}

/**
 * The elements of one tensor as they arrive from a model, in runs of bytes that come in pieces -> JSON
 * between the brackets of a list, or raw contents.
 */
export class ElementStream {
  private out: SlabChain = new SlabChain();
  private asJson: bool = true;
  private datatype: Datatype = Datatype.Unknown;
  private encoding: Encoding = Encoding.Raw;
  /** Bytes left of the run, and of the element of BYTES that is open; -1 when none is. */
  private left: i64 = 0;
  private elementLeft: i64 = -1;
  elements: i64 = 0;
  malformed: bool = false;

  /** Starts a tensor. */
  begin(datatype: Datatype, asJson: bool, out: SlabChain): void {
    this.datatype = datatype;
    this.asJson = asJson;
    this.out = out;
    this.elements = 0;
    this.malformed = false;
    this.elementLeft = -1;
  }

  /** Goes on in another chain. */
  redirect(out: SlabChain): void {
    this.out = out;
  }

  /** Starts a run of `length` bytes. */
  beginRun(encoding: Encoding, length: i64): void {
    this.encoding = encoding;
    this.left = length;
    if (encoding != Encoding.Text) return;
    if (!this.asJson) {
      store<u32>(element, <u32>length);
      this.out.append(element, 4);
    }
    this.beginText(length);
  }

  get runOver(): bool {
    return this.left == 0 && this.elementLeft < 0;
  }

  /** Takes bytes of the run. @returns the first byte not used; check `malformed` */
  take(at: usize, to: usize): usize {
    if (<i64>(to - at) > this.left) to = at + <usize>this.left;
    if (this.encoding == Encoding.Varints) return this.varints(at, to);
    return this.datatype == Datatype.BYTES ? this.texts(at, to) : this.fixed(at, to);
  }

  private fixed(at: usize, to: usize): usize {
    const size = elementSize(this.datatype);
    const count = (to - at) / size;
    const end = at + count * size;
    if (this.asJson) writeElements(this.datatype, at, end, this.elements == 0, this.out);
    else this.out.append(at, <i32>(end - at));
    this.elements += <i64>count;
    this.left -= <i64>(end - at);
    if (this.left < size && this.left > 0 && <i64>(to - end) == this.left) this.malformed = true;
    return end;
  }

  private varints(at: usize, to: usize): usize {
    while (at < to) {
      const next = readVarint(at, to);
      if (next == 0) {
        if (<i64>(to - at) == this.left || to - at >= 10) this.malformed = true;
        return at;
      }
      this.left -= <i64>(next - at);
      at = next;
      store<u64>(element, this.datatype == Datatype.BOOL ? <u64>(varint != 0) : varint);
      if (this.asJson) {
        if (this.elements > 0) this.out.appendByte(Char.COMMA);
        this.out.append(text, <i32>(writeElement(this.datatype, element, text) - text));
      } else this.out.append(element, elementSize(this.datatype));
      this.elements++;
    }
    return at;
  }

  private texts(at: usize, to: usize): usize {
    while (true) {
      if (this.asJson && this.elementLeft < 0 && this.encoding == Encoding.Raw) {
        const end = writeTextRun(at, to, this.elements == 0, this.out);
        this.elements += textsWritten;
        this.left -= <i64>(end - at);
        at = end;
      }
      if (this.elementLeft < 0) {
        if (at == to || this.encoding == Encoding.Text) return at;
        if (to - at < 4) {
          if (<i64>(to - at) == this.left) this.malformed = true;
          return at;
        }
        const length = load<u32>(at);
        if (<i64>length + 4 > this.left) {
          this.malformed = true;
          return at;
        }
        if (!this.asJson) this.out.append(at, 4);
        this.left -= 4;
        at += 4;
        this.beginText(length);
      }
      const before = at;
      const wanted = this.elementLeft;
      const end = <i64>(to - at) > wanted ? at + <usize>wanted : to;
      if (this.asJson) at = writeText(at, end, <i64>(end - at) == wanted, this.out);
      else {
        this.out.append(at, <i32>(end - at));
        at = end;
      }
      this.elementLeft -= <i64>(at - before);
      this.left -= <i64>(at - before);
      if (this.elementLeft > 0) return at;
      this.elementLeft = -1;
      if (this.asJson) this.out.appendByte(Char.QUOTE);
    }
  }

  private beginText(length: i64): void {
    this.elementLeft = length;
    if (this.asJson) {
      if (this.elements > 0) this.out.appendByte(Char.COMMA);
      this.out.appendByte(Char.QUOTE);
    }
    this.elements++;
  }
}

const element: usize = memory.data(8);
const text: usize = memory.data(64);
