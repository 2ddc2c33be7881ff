import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { hexDigit } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";

/** Appends percent-encoded text decoded; a percent sign without two digits stands for itself. */
export function appendPercentDecoded(out: ByteBuffer, ptr: usize, len: i32): void {
  for (let i: i32 = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c == Char.PERCENT && i + 2 < len) {
      const high = hexDigit(load<u8>(ptr + i + 1));
      const low = hexDigit(load<u8>(ptr + i + 2));
      if (high >= 0 && low >= 0) {
        out.appendByte(<u8>((high << 4) | low));
        i += 2;
        continue;
      }
    }
    out.appendByte(c);
  }
}
