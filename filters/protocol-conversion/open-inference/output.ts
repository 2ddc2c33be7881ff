import { Datatype, datatypeName, elementSize } from "../../model-protocol/datatype";
import { MAX_INTEGER_TEXT, writeI64 } from "../../model-protocol/numbers/digits";
import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";
import { readVarint, varint } from "../../sdk/bytes/protobuf";
import { SLAB_SIZE, SlabChain } from "../body/slabs";
import { ElementStream, Encoding } from "../tensor/element-stream";

const NAME = bytes('{"name":');
const DATATYPE = bytes(',"datatype":"');
const SHAPE = bytes('","shape":[');
const PARAMETERS = bytes('],"parameters":{');
const BINARY_SIZE = bytes('"binary_data_size":');
const END = bytes("}}");
const DATA = bytes(',"data":[');

const elements: ElementStream = new ElementStream();
const text: SlabChain = new SlabChain();

/** What is known of an output before its data comes. Of a field that comes twice the last one counts. */
export class Output {
  readonly name: ByteBuffer = new ByteBuffer();
  /** Dimensions as they stand in the JSON, commas between them. */
  private readonly shape: ByteBuffer = new ByteBuffer();
  /** Members of the JSON's `parameters`, commas between them. */
  readonly parameters: ByteBuffer = new ByteBuffer();
  datatype: Datatype = Datatype.Unknown;
  /** In a reply with binary data: is it wanted as JSON? */
  asJson: bool = false;
  /** Its data, where some outputs are JSON and some are binary data. */
  readonly raw: SlabChain = new SlabChain();
  /** Its data came inside of it. */
  written: bool = false;
  /** Elements that the shape says; below 0 when a dimension is. */
  product: f64 = 1;
  /** The innermost dimension; 1 without any. */
  lastDimension: i64 = 1;
  /** Bytes of its data in a binary reply. */
  size: i64 = 0;

  reset(): void {
    this.name.clear();
    this.shape.clear();
    this.parameters.clear();
    this.datatype = Datatype.Unknown;
    this.written = false;
    this.asJson = false;
    this.raw.release();
    this.product = 1;
    this.lastDimension = 1;
    this.size = 0;
  }

  addDimension(value: i64): void {
    const shape = this.shape;
    if (shape.len > 0) shape.appendByte(Char.COMMA);
    shape.reserve(MAX_INTEGER_TEXT);
    shape.len = <i32>(writeI64(value, shape.end) - shape.ptr);
    this.lastDimension = value;
    if (value < 0) this.product = -Infinity;
    else if (this.product >= 0) this.product *= <f64>value;
  }

  /** Adds packed dimensions. @returns false when they are malformed */
  addDimensions(from: usize, to: usize): bool {
    for (let at = from; at < to; ) {
      at = readVarint(at, to);
      if (at == 0) return false;
      this.addDimension(<i64>varint);
    }
    return true;
  }

  /**
   * Have raw contents of `length` bytes the size that the shape says? Of BYTES only their number is known,
   * later.
   */
  fits(length: i64): bool {
    const size = elementSize(this.datatype);
    return size == 0 || this.product * <f64>size == <f64>length;
  }

  /** Appends it up to the list of its data. */
  appendOpening(out: ByteBuffer): void {
    this.appendHead(out);
    if (this.parameters.len > 0) {
      out.appendBytes(PARAMETERS);
      out.append(this.parameters.ptr, this.parameters.len);
      out.appendByte(Char.CLOSE_BRACE);
    } else out.appendByte(Char.CLOSE_BRACKET);
    out.appendBytes(DATA);
  }

  /**
   * Appends it with its data as JSON, kept in `raw`. @returns false, and appends nothing, where that is more
   * than `most` bytes or than a slab holds
   */
  appendWithData(out: ByteBuffer, most: i32): bool {
    const raw = this.raw;
    if (raw.length > SLAB_SIZE) return false;
    const before = out.len;
    this.appendOpening(out);
    elements.begin(this.datatype, true, text);
    elements.beginRun(Encoding.Raw, raw.length);
    if (raw.length > 0) elements.take(raw.slabData(raw.firstSlab), raw.slabData(raw.firstSlab) + raw.length);
    const fits = !elements.malformed && out.len - before + text.length + 2 <= most;
    if (fits) {
      for (let slab = text.firstSlab; slab != 0; slab = text.nextSlab(slab))
        out.append(text.slabData(slab), text.slabLength(slab));
      out.appendByte(Char.CLOSE_BRACKET);
      out.appendByte(Char.CLOSE_BRACE);
    } else out.len = before;
    text.release();
    return fits;
  }

  /** Appends it as an output whose data come behind the JSON. */
  appendBinary(out: ByteBuffer): void {
    this.appendHead(out);
    out.appendBytes(PARAMETERS);
    if (this.parameters.len > 0) {
      out.append(this.parameters.ptr, this.parameters.len);
      out.appendByte(Char.COMMA);
    }
    out.appendBytes(BINARY_SIZE);
    out.appendDecimal(this.size);
    out.appendBytes(END);
  }

  private appendHead(out: ByteBuffer): void {
    out.appendBytes(NAME);
    appendJsonString(out, this.name.ptr, this.name.len, i32.MAX_VALUE);
    out.appendBytes(DATATYPE);
    out.appendBytes(datatypeName(this.datatype));
    out.appendBytes(SHAPE);
    out.append(this.shape.ptr, this.shape.len);
  }
}
