import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";

/**
 * Short names of Envoy's response flags by their bit (envoy/stream_info/stream_info.h, `CoreResponseFlag`).
 */
const NAMES: Bytes[] = [
  bytes("LH"),
  bytes("UH"),
  bytes("UT"),
  bytes("LR"),
  bytes("UR"),
  bytes("UF"),
  bytes("UC"),
  bytes("UO"),
  bytes("NR"),
  bytes("DI"),
  bytes("FI"),
  bytes("RL"),
  bytes("UAEX"),
  bytes("RLSE"),
  bytes("DC"),
  bytes("URX"),
  bytes("SI"),
  bytes("IH"),
  bytes("DPE"),
  bytes("UMSDR"),
  bytes("RFCF"),
  bytes("NFCF"),
  bytes("DT"),
  bytes("UPE"),
  bytes("NC"),
  bytes("OM"),
  bytes("DF"),
  bytes("DO"),
  bytes("DR"),
  bytes("UDO"),
];

/** The caller went away (`DC`) or gave the stream up (`DR`). */
export const CALLER_LEFT: i64 = (1 << 14) | (1 << 28);

/** Appends the names of the flags, commas between them, `-` for none, as `%RESPONSE_FLAGS%` does. */
export function appendFlags(out: ByteBuffer, flags: u64): void {
  const start = out.len;
  if (flags == 0) out.appendByte(Char.MINUS);
  for (let rest = flags; rest != 0; rest &= rest - 1) {
    const bit = <i32>ctz(rest);
    if (bit >= NAMES.length) return;
    if (out.len > start) out.appendByte(Char.COMMA);
    out.appendBytes(NAMES[bit]);
  }
}
