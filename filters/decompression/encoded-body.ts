import { StreamPool } from "../sdk/pipeline/stream-pool";
import { StreamState } from "../sdk/pipeline/stream-state";
import { adler32, crc32 } from "./checksums";
import { Inflater, WINDOW } from "./inflater";
import { Progress } from "./progress";

export enum Coding {
  None,
  /** RFC 1952. */
  Gzip,
  /** RFC 1950: what HTTP calls deflate. */
  Zlib,
}

/** A byte in front of what comes out: see Decompression.onRequestBody. */
const FRONT: i32 = 1;
/** So much may come out whatever went in: a ratio says little of a short text. */
const FREE_BYTES: i64 = 1_048_576;
/** Memory beyond this is given back after each chunk, and when the stream ends. */
const USUAL_BYTES: i32 = 262_144;

const GZIP_MAGIC: u32 = 0x8b1f;
const DEFLATED: u32 = 8;
/** Flags of a gzip member (RFC 1952, section 2.3.1). */
const HEADER_CHECKED: u32 = 2;
const HAS_EXTRA: u32 = 4;
const HAS_NAME: u32 = 8;
const HAS_COMMENT: u32 = 16;
const RESERVED: u32 = 0xe0;

enum Step {
  Start,
  Rest,
  ExtraLength,
  Extra,
  Name,
  Comment,
  HeaderCheck,
  Body,
  Check,
  Size,
  End,
}

/** A body in gzip or zlib format on its way to what it was before. Reused for later streams. */
export class EncodedBody extends StreamState {
  private readonly inflater: Inflater = new Inflater();
  private coding: Coding = Coding.None;
  private step: Step = Step.Start;
  private flags: u32 = 0;
  private extraLeft: i32 = 0;
  private check: u32 = 0;
  /** Bytes that came out of the present member, and where in `out` those begin that are not in `check`. */
  private memberBytes: i64 = 0;
  private unchecked: i32 = FRONT;
  /** Gzip members that are whole. */
  private members: i32 = 0;
  private received: i64 = 0;
  private produced: i64 = 0;
  private maxBytes: i64 = 0;
  private maxRatio: i64 = 0;
  /** Where in `out` begins what the last chunk gave. */
  private fresh: i32 = FRONT;

  /** Begins with the body of another request. */
  start(coding: Coding, maxBytes: i64, maxRatio: i64): void {
    this.coding = coding;
    this.maxBytes = maxBytes;
    this.maxRatio = maxRatio;
    this.step = Step.Start;
    this.members = 0;
    this.received = 0;
    this.produced = 0;
    this.inflater.input.reset();
    this.inflater.out.clear();
    this.inflater.out.appendByte(0);
    this.fresh = FRONT;
    this.unchecked = FRONT;
  }

  /** Decodes the chunk [ptr, ptr + len). @returns NeedsMore or Done when all is well so far */
  decode(ptr: usize, len: i32): Progress {
    const inflater = this.inflater;
    this.received += len;
    const allowed = min(this.maxBytes, FREE_BYTES + this.received * this.maxRatio) - this.produced;
    const most = <i64>this.fresh + max<i64>(allowed, 0);
    inflater.mostLength = <i32>min<i64>(most, <i64>i32.MAX_VALUE);
    inflater.input.feed(ptr, len);
    let progress = Progress.Done;
    while (progress == Progress.Done && this.step != Step.End) progress = this.go();
    if (progress == Progress.Done && !inflater.input.isEmpty) progress = Progress.Malformed;
    this.addToCheck();
    this.produced += this.length;
    return inflater.out.len > inflater.mostLength ? Progress.TooLarge : progress;
  }

  /** What the chunk gave has been passed on: keeps of it what copies may reach. */
  keepWindow(): void {
    const out = this.inflater.out;
    const kept = min(out.len - FRONT, WINDOW);
    const forgotten = out.len - FRONT - kept;
    if (forgotten > 0) memory.copy(out.ptr + FRONT, out.end - kept, kept);
    this.inflater.base = max(this.inflater.base - forgotten, FRONT);
    out.len = FRONT + kept;
    this.fresh = out.len;
    this.unchecked = out.len;
    if (out.allocated > USUAL_BYTES) out.trim();
  }

  /** What the last chunk gave; a byte before it may be written to. */
  get ptr(): usize {
    return this.inflater.out.ptr + this.fresh;
  }

  get length(): i32 {
    return this.inflater.out.len - this.fresh;
  }

  /** Did the body end where it may? */
  get isWhole(): bool {
    if (this.coding == Coding.Zlib) return this.step == Step.End;
    return this.step == Step.Start && this.members > 0 && this.inflater.input.isEmpty;
  }

  release(): void {
    const out = this.inflater.out;
    if (out.allocated > USUAL_BYTES) out.free();
    pool.release(this);
  }

  /** @returns Done when the step is over */
  private go(): Progress {
    switch (this.step) {
      case Step.Body:
        return this.body();
      case Step.Check:
        return this.coding == Coding.Zlib ? this.zlibCheck() : this.gzipCheck();
      case Step.Size:
        return this.gzipSize();
      default:
        return this.coding == Coding.Zlib ? this.zlibHeader() : this.gzipHeader();
    }
  }

  private body(): Progress {
    const progress = this.inflater.run();
    if (progress != Progress.Done) return progress;
    this.addToCheck();
    this.inflater.input.align();
    this.step = Step.Check;
    return Progress.Done;
  }

  private addToCheck(): void {
    const out = this.inflater.out;
    const ptr = out.ptr + this.unchecked;
    const length = out.len - this.unchecked;
    this.check =
      this.coding == Coding.Zlib ? adler32(this.check, ptr, length) : crc32(this.check, ptr, length);
    this.memberBytes += length;
    this.unchecked = out.len;
  }

  private beginBody(): Progress {
    this.step = Step.Body;
    this.memberBytes = 0;
    this.check = this.coding == Coding.Zlib ? 1 : 0;
    this.unchecked = this.inflater.out.len;
    this.inflater.start();
    return Progress.Done;
  }

  private zlibHeader(): Progress {
    const input = this.inflater.input;
    if (!input.has(16)) return Progress.NeedsMore;
    const method = input.take(8);
    const flags = input.take(8);
    const isWrong = (method & 15) != DEFLATED || method >> 4 > 7 || (flags & 32) != 0;
    if (isWrong || (method * 256 + flags) % 31 != 0) return Progress.Malformed;
    return this.beginBody();
  }

  private zlibCheck(): Progress {
    const input = this.inflater.input;
    if (!input.has(32)) return Progress.NeedsMore;
    if (bswap<u32>(input.take(32)) != this.check) return Progress.Malformed;
    this.step = Step.End;
    return Progress.Done;
  }

  private gzipHeader(): Progress {
    const input = this.inflater.input;
    switch (this.step) {
      case Step.Start:
        if (!input.has(32)) return Progress.NeedsMore;
        if (input.take(16) != GZIP_MAGIC || input.take(8) != DEFLATED) return Progress.Malformed;
        this.flags = input.take(8);
        if ((this.flags & RESERVED) != 0) return Progress.Malformed;
        this.step = Step.Rest;
        return Progress.Done;
      case Step.Rest:
        if (!input.has(48)) return Progress.NeedsMore;
        input.take(32);
        input.take(16);
        this.step = (this.flags & HAS_EXTRA) != 0 ? Step.ExtraLength : Step.Name;
        return Progress.Done;
      case Step.ExtraLength:
        if (!input.has(16)) return Progress.NeedsMore;
        this.extraLeft = <i32>input.take(16);
        this.step = Step.Extra;
        return Progress.Done;
      case Step.Extra:
        for (; this.extraLeft > 0; this.extraLeft--) {
          if (!input.has(8)) return Progress.NeedsMore;
          input.take(8);
        }
        this.step = Step.Name;
        return Progress.Done;
      case Step.Name:
        if ((this.flags & HAS_NAME) != 0 && !this.skipText()) return Progress.NeedsMore;
        this.step = Step.Comment;
        return Progress.Done;
      case Step.Comment:
        if ((this.flags & HAS_COMMENT) != 0 && !this.skipText()) return Progress.NeedsMore;
        this.step = Step.HeaderCheck;
        return Progress.Done;
      default:
        if ((this.flags & HEADER_CHECKED) == 0) return this.beginBody();
        if (!input.has(16)) return Progress.NeedsMore;
        input.take(16);
        return this.beginBody();
    }
  }

  /** Skips a text up to the NUL behind it. @returns false when that is still to come */
  private skipText(): bool {
    const input = this.inflater.input;
    while (input.has(8)) if (input.take(8) == 0) return true;
    return false;
  }

  private gzipCheck(): Progress {
    const input = this.inflater.input;
    if (!input.has(32)) return Progress.NeedsMore;
    if (input.take(32) != this.check) return Progress.Malformed;
    this.step = Step.Size;
    return Progress.Done;
  }

  private gzipSize(): Progress {
    const input = this.inflater.input;
    if (!input.has(32)) return Progress.NeedsMore;
    if (input.take(32) != <u32>this.memberBytes) return Progress.Malformed;
    this.members++;
    this.step = Step.Start;
    return Progress.Done;
  }
}

const pool: StreamPool<EncodedBody> = new StreamPool<EncodedBody>();

export function takeEncodedBody(): EncodedBody {
  return pool.take();
}
