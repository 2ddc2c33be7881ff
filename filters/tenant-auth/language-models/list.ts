import { ByteBuffer } from "../../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { appendJsonString } from "../../sdk/bytes/json-text";

const LIST_OPEN = bytes('{"object":"list","data":[');
const LIST_CLOSE = bytes("]}\n");
const ID = bytes('{"id":');
const REST = bytes(',"object":"model","created":0,"owned_by":"modelgate"}');

/** The JSON of the list of models; one object for one list after the other. */
export class ModelList {
  readonly json: ByteBuffer = new ByteBuffer();
  private count: i32 = 0;

  start(): void {
    this.json.clear();
    this.json.appendBytes(LIST_OPEN);
    this.count = 0;
  }

  add(name: Bytes): void {
    if (this.count++ > 0) this.json.appendByte(Char.COMMA);
    this.appendModel(name.ptr, name.len);
  }

  end(): void {
    this.json.appendBytes(LIST_CLOSE);
  }

  /** The answer for one model alone. */
  one(name: ByteBuffer): void {
    this.json.clear();
    this.appendModel(name.ptr, name.len);
    this.json.appendByte(Char.LF);
  }

  private appendModel(name: usize, len: i32): void {
    this.json.appendBytes(ID);
    appendJsonString(this.json, name, len, i32.MAX_VALUE);
    this.json.appendBytes(REST);
  }
}
