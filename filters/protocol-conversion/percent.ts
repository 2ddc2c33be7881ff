import { ByteBuffer } from "../sdk/byte-buffer";

/** Value of a hexadecimal digit, -1 of anything else. */
export function hexDigit(c: u8): i32 {
  const letter = c | 0x20;
  if (c >= 0x30 && c <= 0x39) return c - 0x30;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Appends percent-encoded text decoded; a percent sign without two digits stands for itself. */
export function appendPercentDecoded(out: ByteBuffer, ptr: usize, len: i32): void {
  for (let i: i32 = 0; i < len; i++) {
    const c = load<u8>(ptr + i);
    if (c == 0x25 && i + 2 < len) {
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
