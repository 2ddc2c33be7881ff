import { ByteBuffer } from "../../sdk/bytes/byte-buffer";

/** Before each name: its length in four bytes, and whether it is wanted as binary data: 1 or 0, or -1. */
const NAME_HEAD: usize = 5;
/** Memory of more names than that is given back. */
const KEPT_NAMES: i32 = 16 * 1024;

/** The outputs that an inference request names, and which of them it wants as binary data. */
export class RequestedOutputs {
  count: i32 = 0;
  /** Are outputs wanted as binary data unless they say otherwise? */
  binaryByDefault: bool = false;
  private binary: i32 = 0;
  private unsaid: i32 = 0;
  private readonly names: ByteBuffer = new ByteBuffer();

  reset(): void {
    this.count = 0;
    this.binaryByDefault = false;
    this.binary = 0;
    this.unsaid = 0;
    if (this.names.allocated > KEPT_NAMES) this.names.free();
    this.names.clear();
  }

  /** @param binary is it wanted as binary data: 1 or 0, or -1 when it does not say */
  add(name: ByteBuffer, binary: i32): void {
    this.count++;
    if (binary == 1) this.binary++;
    else if (binary < 0) this.unsaid++;
    const names = this.names;
    names.reserve(<i32>NAME_HEAD);
    store<i32>(names.end, name.len);
    store<i8>(names.end, <i8>binary, 4);
    names.len += <i32>NAME_HEAD;
    names.append(name.ptr, name.len);
  }

  /** Bytes of all names. */
  get nameBytes(): i32 {
    return this.names.len;
  }

  /** Is any of them wanted as binary data? Once the request is read. */
  get anyBinary(): bool {
    return this.binaryCount > 0 || (this.count == 0 && this.binaryByDefault);
  }

  /** Are some wanted as binary data, and some not? */
  get areMixed(): bool {
    return this.binaryCount > 0 && this.binaryCount < this.count;
  }

  private get binaryCount(): i32 {
    return this.binary + (this.binaryByDefault ? this.unsaid : 0);
  }

  /** Is the output of this name wanted as binary data? */
  isBinary(ptr: usize, len: i32): bool {
    for (let at = this.names.ptr; at < this.names.end; ) {
      const length = load<i32>(at);
      const wanted = load<i8>(at, 4);
      at += NAME_HEAD;
      if (length == len && memory.compare(at, ptr, len) == 0 && wanted >= 0) return wanted == 1;
      at += <usize>length;
    }
    return this.binaryByDefault;
  }
}
