import { parseNumber } from "../../model-protocol/numbers/decimal";
import { NonFinite, nonFinite } from "../../model-protocol/numbers/float-text";
import { readNonFinite } from "../../model-protocol/numbers/non-finite-text";
import { Bytes } from "../../sdk/bytes/bytes";
import { Char } from "../../sdk/bytes/chars";
import { MAX_TOKEN } from "../body/input-window";
import { CAPTURE_PIECE, Capture } from "./capture";
import { MALFORMED, TOKEN_TOO_LONG, TOO_DEEP, TRUNCATED, WRONG_TYPE } from "./faults";
import { IGNORED, JsonPlace, MAX_DEPTH } from "./place";
import { isLiteral, isScalarByte, readString, scalarEnd, text } from "./tokens";

/**
 * A reader of JSON (RFC 8259) that arrives in pieces. It knows the grammar; what the document means is the
 * subclass's: that gives each container a role, and each key a meaning. Containers of the role IGNORED are
 * checked and skipped.
 */

/**
 * Arrays whose role has this bit hold elements of a tensor: `elements` reads their scalars, many at a time.
 */
const ELEMENTS: i32 = 0x80;

/** What the grammar allows next. */
enum Expect {
  Value,
  FirstElement,
  FirstKey,
  Key,
  Colon,
  CommaOrClose,
  Nothing,
}

/** What takes the bytes before the grammar sees them. */
enum Mode {
  Grammar,
  /** A value is kept as text: what it means is not known yet. */
  Capture,
  /** A long string goes on. */
  Text,
}

export abstract class JsonReader extends JsonPlace {
  /** Offset in the body of the first byte of what is being parsed. */
  private consumed: i64 = 0;
  private windowStart: usize = 0;
  private expect: Expect = Expect.Value;
  private mode: Mode = Mode.Grammar;
  /** What the subclass said that the last key means. */
  protected member: i32 = 0;

  private readonly captured: Capture = new Capture();

  /**
   * Role of the container that opens here, as a value of `role` and `member`; calls `fail` where none may
   * stand.
   */
  protected abstract open(object: bool): i32;
  /** A container closes; an array had `count` elements. */
  protected abstract closed(role: i32, count: i32): void;
  /** Meaning of the key in `text`, within the innermost object. */
  protected abstract key(): i32;
  /** A string, in `text`. */
  protected abstract string(): void;
  /** A number, parsed by `parseNumber`. */
  protected abstract number(): void;
  /** `true`, `false` or `null`, by its first letter. */
  protected abstract literal(letter: u8): void;
  /** NaN or an infinity, read by `readNonFinite`: no JSON, but taken where the policy says so. */
  protected notFinite(): void {
    this.fail(WRONG_TYPE);
  }
  /** Elements from `at`; see `afterElements`. @returns the first byte not used */
  protected abstract elements(at: usize, to: usize): usize;

  protected start(): void {
    this.releaseCapture();
    this.error = null;
    this.errorOffset = -1;
    this.consumed = 0;
    this.expect = Expect.Value;
    this.mode = Mode.Grammar;
    this.member = 0;
    this.leaveAll();
  }

  protected releaseCapture(): void {
    this.captured.release();
  }

  parse(from: usize, to: usize): usize {
    this.windowStart = from;
    const stop = this.run(from, to);
    if (this.error == null) {
      this.consumed += <i64>(stop - from);
      return stop;
    }
    if (this.errorOffset < 0) this.errorOffset = this.consumed + <i64>(stop - from);
    return 0;
  }

  /** Is the document over? Otherwise records the error. */
  protected finishDocument(): bool {
    if (this.expect == Expect.Nothing) return this.error == null;
    this.fail(TRUNCATED);
    if (this.errorOffset < 0) this.errorOffset = this.consumed;
    return false;
  }

  private failAt(at: usize, why: Bytes): usize {
    this.fail(why);
    return at;
  }

  private run(from: usize, to: usize): usize {
    let at = from;
    while (at < to) {
      if (this.mode != Mode.Grammar) {
        const before = at;
        at = this.mode == Mode.Capture ? this.moreCapture(at, to) : this.moreText(at, to);
        const over = this.mode == Mode.Grammar;
        if (this.error != null || (at == before && !over)) return at;
        continue;
      }
      const c = load<u8>(at);
      if (c == Char.SPACE || c == Char.LF || c == Char.CR || c == Char.TAB) {
        at++;
        continue;
      }
      const before = at;
      const expect = this.expect;
      if (expect <= Expect.FirstElement) at = this.value(c, at, to);
      else if (expect == Expect.CommaOrClose) at = this.commaOrClose(c, at);
      else if (expect == Expect.Colon) {
        if (c != Char.COLON) return this.failAt(at, MALFORMED);
        this.expect = Expect.Value;
        at++;
      } else if (expect == Expect.Nothing) return this.failAt(at, MALFORMED);
      else at = this.readKey(c, at, to);
      if (this.error != null || at == before) return at;
    }
    return at;
  }

  private value(c: u8, at: usize, to: usize): usize {
    if (c == Char.OPEN_BRACE || c == Char.OPEN_BRACKET)
      return this.openContainer(c == Char.OPEN_BRACE, at, to);
    if (c == Char.CLOSE_BRACKET && this.expect == Expect.FirstElement) return this.close(at, 0);
    if (this.depth == 0) return this.failAt(at, c == Char.QUOTE ? WRONG_TYPE : MALFORMED);
    const role = this.role;
    if (role >= ELEMENTS) return this.elements(at, to);
    if (role != IGNORED && (c == Char.QUOTE || isScalarByte(c)) && this.keepsScalar())
      return this.capture(at, to);
    if (c == Char.QUOTE) {
      if (role != IGNORED && this.longText()) {
        this.startText();
        return this.error == null ? at + 1 : at;
      }
      const end = readString(at, to);
      if (end <= at) return end == 0 ? this.failAt(at, MALFORMED) : at;
      this.expect = Expect.CommaOrClose;
      if (role != IGNORED) this.string();
      return this.error == null ? end : at;
    }
    return this.scalar(c, at, to);
  }

  private openContainer(object: bool, at: usize, to: usize): usize {
    if (this.depth == MAX_DEPTH) return this.failAt(at, TOO_DEEP);
    const role = this.depth > 0 && this.role == IGNORED ? IGNORED : this.open(object);
    if (this.error != null) return at;
    if (this.mode == Mode.Capture) return this.capture(at, to);
    this.enter(object, role);
    this.expect = object ? Expect.FirstKey : Expect.FirstElement;
    return at + 1;
  }

  private commaOrClose(c: u8, at: usize): usize {
    const object = this.inObject;
    if (c == Char.COMMA) {
      if (!object) this.index++;
      this.expect = object ? Expect.Key : Expect.Value;
      return at + 1;
    }
    if (c != (object ? Char.CLOSE_BRACE : Char.CLOSE_BRACKET)) return this.failAt(at, MALFORMED);
    return this.close(at, object ? 0 : this.index + 1);
  }

  private close(at: usize, count: i32): usize {
    const role = this.role;
    if (role != IGNORED) {
      this.closed(role, count);
      if (this.error != null) return at;
    }
    this.leave();
    this.expect = this.depth == 0 ? Expect.Nothing : Expect.CommaOrClose;
    return at + 1;
  }

  private readKey(c: u8, at: usize, to: usize): usize {
    if (c == Char.CLOSE_BRACE && this.expect == Expect.FirstKey) return this.close(at, 0);
    if (c != Char.QUOTE) return this.failAt(at, MALFORMED);
    const end = readString(at, to);
    if (end <= at) return end == 0 ? this.failAt(at, MALFORMED) : at;
    this.setKey(text.ptr, text.len);
    this.expect = Expect.Colon;
    if (this.role != IGNORED) this.member = this.key();
    return this.error == null ? end : at;
  }

  /** A number, true, false or null outside of elements. */
  private scalar(c: u8, at: usize, to: usize): usize {
    const end = scalarEnd(at, to);
    if (end == to) return at;
    const known = this.role != IGNORED;
    this.expect = Expect.CommaOrClose;
    if ((c == Char.MINUS || c - Char._0 < 10) && parseNumber(at) == end) {
      if (known) this.number();
    } else if (isLiteral(at, <i32>(end - at))) {
      if (known) this.literal(c);
    } else if (nonFinite == NonFinite.Token && readNonFinite(at) == end) {
      if (known) this.notFinite();
    } else this.fail(MALFORMED);
    return this.error == null ? end : at;
  }

  /**
   * For `elements`: `count` elements were read, and then, if `comma`, a comma behind the last one. The first
   * of them that was not read is the one at fault after an error.
   */
  protected afterElements(count: i32, comma: bool): void {
    if (count > 0 && !comma && this.error == null) {
      this.index += count - 1;
      this.expect = Expect.CommaOrClose;
    } else if (count > 0) {
      this.index += count;
      this.expect = Expect.Value;
    }
  }

  /**
   * For `elements`, at a string that is read piece by piece: from now on bytes go to `moreText`, until
   * `textDone`.
   */
  protected startText(): void {
    this.mode = Mode.Text;
  }

  protected textDone(): void {
    this.mode = Mode.Grammar;
    this.expect = Expect.CommaOrClose;
  }

  /** Is the string that starts here, the value of a member, read piece by piece? */
  protected longText(): bool {
    return false;
  }

  /** More of a string that `startText` announced. @returns the first byte not used */
  protected moreText(at: usize, _to: usize): usize {
    return at;
  }

  /** For `open`, at a value: keeps its text aside, for `readCaptured` once its meaning is known. */
  protected startCapture(): void {
    this.mode = Mode.Capture;
  }

  /**
   * Does the scalar that starts here, the value of a member, mean something that is not known yet? It is kept
   * aside.
   */
  protected keepsScalar(): bool {
    return false;
  }

  private capture(at: usize, to: usize): usize {
    this.mode = Mode.Capture;
    this.captured.begin(this.consumed + <i64>(at - this.windowStart));
    return this.moreCapture(at, to);
  }

  private moreCapture(at: usize, to: usize): usize {
    const end = this.captured.take(at, to);
    if (this.captured.done) {
      this.mode = Mode.Grammar;
      this.expect = Expect.CommaOrClose;
    }
    return end;
  }

  /** Reads the captured text as the value of `key` in the innermost object, whose meaning is `member`. */
  protected readCaptured(member: i32, key: Bytes): void {
    const expect = this.expect;
    const consumed = this.consumed;
    const windowStart = this.windowStart;
    this.member = member;
    this.setKey(key.ptr, key.len);
    this.expect = Expect.Value;
    this.consumed = this.captured.offset;
    let carry = 0;
    while (this.error == null) {
      const length = this.captured.next(replayWindow + MAX_TOKEN);
      if (length == 0) break;
      const to = replayWindow + MAX_TOKEN + length;
      const rest = this.parse(replayWindow + MAX_TOKEN - carry, to);
      if (rest == 0) break;
      carry = <i32>(to - rest);
      if (carry > MAX_TOKEN) this.fail(TOKEN_TOO_LONG);
      else memory.copy(replayWindow + MAX_TOKEN - carry, rest, carry);
    }
    this.captured.release();
    this.expect = expect;
    this.consumed = consumed;
    this.windowStart = windowStart;
  }
}

const replayWindow: usize = heap.alloc(MAX_TOKEN + CAPTURE_PIECE + 16);
