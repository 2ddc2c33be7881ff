import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes } from "../sdk/bytes/bytes";
import { Member } from "./member";

/** More than a number, a time or the punctuation of a member takes. */
const SMALL: i32 = 64;
/** More than the times of all stages take. */
const PHASES: i32 = 1024;

/** One line in some format, written member by member into `out`; members without a value are left out. */
export abstract class LineWriter {
  readonly out: ByteBuffer = new ByteBuffer();

  /** @param limit longest text, in bytes as they stand in the line */
  constructor(protected readonly limit: i32) {}

  /** Makes room for the longest line of these members: no line makes it grow. */
  reserve(members: Member[]): void {
    let room = PHASES;
    for (let i = 0; i < members.length; i++) room += members[i].textKey.len + this.limit + SMALL;
    this.out.reserve(room);
  }

  /** Gives the memory back when the plug-in ends: nobody collects that of buffers. */
  free(): void {
    this.out.free();
  }

  abstract begin(): void;
  abstract text(member: Member, ptr: usize, len: i32): void;
  abstract number(member: Member, value: u64): void;
  /** @param milliseconds since 1970 */
  abstract time(member: Member, milliseconds: u64): void;
  abstract beginPhases(member: Member): void;
  abstract phase(name: Bytes, nanoseconds: u64): void;
  abstract endPhases(): void;
  abstract end(): void;
}
