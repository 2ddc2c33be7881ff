import { LENGTH_DELIMITED } from "../../sdk/bytes/protobuf";
import { SlabChain } from "../body/slabs";

/** A length as a varint of five bytes, so that it can be filled in when the content is over. */
const PADDED_VARINT: i32 = 5;

/**
 * A length-delimited field that is written before its length is known. One at a time may be open in a chain.
 */
export class LongField {
  private start: i32 = 0;

  open(chain: SlabChain, field: i32): void {
    chain.appendByte(<u8>((field << 3) | LENGTH_DELIMITED));
    chain.appendGap(PADDED_VARINT);
    this.start = chain.length;
  }

  close(chain: SlabChain): void {
    const length = <u64>(chain.length - this.start);
    let padded: u64 = 0;
    for (let i: u64 = 0; i < 5; i++) {
      const seven: u64 = (length >> (7 * i)) & 0x7f;
      padded |= (i < 4 ? seven | 0x80 : seven) << (8 * i);
    }
    chain.fillGap(padded, PADDED_VARINT);
  }
}
