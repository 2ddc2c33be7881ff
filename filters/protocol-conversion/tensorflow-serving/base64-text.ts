import { Char } from "../../sdk/bytes/chars";
import { SlabChain } from "../body/slabs";
import { base64Value } from "./base64";

/** A JSON string of base64 text, decoded as its bytes arrive. */
export class Base64Text {
  /** Bits that wait for more, how many, and how many characters of padding came. */
  private bits: u32 = 0;
  private bitCount: i32 = 0;
  private padding: i32 = 0;
  /** Is a text open: begun, and its closing quote not seen? */
  open: bool = false;
  malformed: bool = false;

  /** Begins behind the opening quote. */
  begin(): void {
    this.bits = 0;
    this.bitCount = 0;
    this.padding = 0;
    this.open = true;
    this.malformed = false;
  }

  reset(): void {
    this.open = false;
  }

  /**
   * Decodes [at, to) into `out`.
   * @returns the first byte not used, behind the closing quote when `open` is false
   */
  take(at: usize, to: usize, out: SlabChain): usize {
    for (; at < to; at++) {
      let c = load<u8>(at);
      if (c == Char.QUOTE) {
        if (this.bits != 0 || this.bitCount >= 6 || this.padding > 2) break;
        this.open = false;
        return at + 1;
      }
      if (c == Char.BACKSLASH) {
        // Some encoders escape the slash.
        if (at + 1 == to) return at;
        if (load<u8>(++at) != Char.SLASH) break;
        c = Char.SLASH;
      }
      if (c == Char.EQUALS) {
        this.padding++;
        continue;
      }
      const value = base64Value(c);
      if (value > 63 || this.padding > 0) break;
      this.bits = (this.bits << 6) | value;
      this.bitCount += 6;
      if (this.bitCount < 8) continue;
      this.bitCount -= 8;
      out.appendByte(<u8>(this.bits >> this.bitCount));
      this.bits &= (1 << this.bitCount) - 1;
    }
    if (at < to) this.malformed = true;
    return at;
  }
}
