import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { appendJsonString } from "../sdk/bytes/json-text";
import { Field } from "./fields";

const scratch: ByteBuffer = new ByteBuffer();

/** A member of each line: made when the stage is configured. */
export class Member {
  /** What stands in JSON before a number or an object: comma, name, colon. */
  readonly key: Bytes;
  /** The same before a text: an opening quote more. */
  readonly textKey: Bytes;
  /** Its value is not for everybody's eyes: lines say only that there was one. */
  hidden: bool = false;

  constructor(
    readonly field: Field,
    name: string,
  ) {
    const text = bytes(name);
    scratch.clear();
    scratch.appendByte(Char.COMMA);
    appendJsonString(scratch, text.ptr, text.len, i32.MAX_VALUE);
    scratch.appendByte(Char.COLON);
    this.key = padded();
    scratch.appendByte(Char.QUOTE);
    this.textKey = padded();
  }
}

/** A copy of `scratch` that may be read in words of 8 bytes. */
function padded(): Bytes {
  const own = new StaticArray<u8>((scratch.len + 7) & ~7);
  memory.copy(changetype<usize>(own), scratch.ptr, scratch.len);
  return new Bytes(own, scratch.len);
}
