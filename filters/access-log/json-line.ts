import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { appendInstant } from "../sdk/bytes/instant-text";
import { writeJsonText } from "../sdk/bytes/json-text";
import { LineWriter } from "./line-writer";
import { Member } from "./member";

const NANOS_PER_TENTH: u64 = 100;

/** Appends in words of 8 bytes, for which there is room. @returns the byte after it */
function appendKey(out: ByteBuffer, key: Bytes): usize {
  const to = out.end;
  for (let i: i32 = 0; i < key.len; i += 8) store<u64>(to + i, load<u64>(key.ptr + i));
  out.len += key.len;
  return out.end;
}

/**
 * Members of a JSON object, a comma before each: the fragment that Envoy's own logger puts behind its
 * members.
 */
export class JsonFragment extends LineWriter {
  begin(): void {
    this.out.clear();
  }

  text(member: Member, ptr: usize, len: i32): void {
    if (len == 0) return;
    const out = this.out;
    const to = writeJsonText(appendKey(out, member.textKey), ptr, len, this.limit);
    store<u8>(to, Char.QUOTE);
    out.len = <i32>(to + 1 - out.ptr);
  }

  number(member: Member, value: u64): void {
    appendKey(this.out, member.key);
    this.out.appendDecimal(value);
  }

  time(member: Member, milliseconds: u64): void {
    this.out.appendBytes(member.textKey);
    appendInstant(this.out, milliseconds);
    this.out.appendByte(Char.QUOTE);
  }

  beginPhases(member: Member): void {
    this.out.appendBytes(member.key);
    this.out.appendByte(Char.OPEN_BRACE);
  }

  /** Microseconds, one digit after the point. */
  phase(name: Bytes, nanoseconds: u64): void {
    const out = this.out;
    const tenths = nanoseconds / NANOS_PER_TENTH;
    if (load<u8>(out.end - 1) != Char.OPEN_BRACE) out.appendByte(Char.COMMA);
    out.appendByte(Char.QUOTE);
    out.appendBytes(name);
    out.appendByte(Char.QUOTE);
    out.appendByte(Char.COLON);
    out.appendDecimal(tenths / 10);
    out.appendByte(Char.DOT);
    out.appendByte(Char._0 + <u8>(tenths % 10));
  }

  endPhases(): void {
    this.out.appendByte(Char.CLOSE_BRACE);
  }

  end(): void {}
}

/** A whole line: the object and a line feed. */
export class JsonLine extends JsonFragment {
  end(): void {
    const out = this.out;
    if (out.len == 0) out.appendByte(Char.OPEN_BRACE);
    else store<u8>(out.ptr, Char.OPEN_BRACE);
    out.appendByte(Char.CLOSE_BRACE);
    out.appendByte(Char.LF);
  }
}
