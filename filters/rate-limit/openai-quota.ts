import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { RESPONSE_HEADERS } from "../sdk/host/abi";
import { setHeader } from "../sdk/host/headers";
import { NamedLimit } from "./named-limit";
import { now } from "./now";
import { sharedLevels } from "./shared-bucket";
import { levelOf, WINDOWS, waitNanos } from "./token-bucket";

const NANOS_PER_MILLISECOND: f64 = 1e6;
const MS_PER_SECOND: u64 = 1000;
const MS_PER_MINUTE: u64 = 60_000;
const MS_PER_HOUR: u64 = 3_600_000;

const text: ByteBuffer = new ByteBuffer();

/**
 * The headers `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI's API has them: of the limit
 * that has the least left, what it holds at most, what is left, and when it is full again.
 */
export class OpenAiQuota {
  private readonly limitName: Bytes;
  private readonly remainingName: Bytes;
  private readonly resetName: Bytes;
  private most: f64 = 0;
  private least: f64 = Infinity;
  private resetMs: u64 = 0;

  /** @param what `requests` or `tokens` */
  constructor(what: string) {
    this.limitName = bytes(`x-ratelimit-limit-${what}`);
    this.remainingName = bytes(`x-ratelimit-remaining-${what}`);
    this.resetName = bytes(`x-ratelimit-reset-${what}`);
  }

  /** Begins with another response. */
  start(): void {
    this.least = Infinity;
  }

  /** Takes a limit into account; null where there is none. */
  add(limit: NamedLimit | null): void {
    if (limit == null || !limit.active) return;
    const windows = limit.windows;
    const state = sharedLevels(limit.key, windows, now());
    for (let w = 0; w < WINDOWS; w++) {
      if (!windows.limited(w)) continue;
      const most = windows.bursts[w];
      const left = levelOf(state, w);
      this.offer(most, left, left < most ? waitNanos(windows, w, most - left) / NANOS_PER_MILLISECOND : 0);
    }
  }

  /** Takes into account that of `most` so much is left, and the whole is there again in some milliseconds. */
  offer(most: f64, left: f64, milliseconds: f64): void {
    if (left >= this.least) return;
    this.least = left;
    this.most = most;
    this.resetMs = isFinite(milliseconds) ? <u64>Math.ceil(max(milliseconds, 0)) : 0;
  }

  /** Sets the headers, where there is a limit. */
  tell(): void {
    if (!isFinite(this.least)) return;
    text.clear();
    text.appendDecimal(<u64>Math.floor(this.most));
    setHeader(RESPONSE_HEADERS, this.limitName, text.ptr, text.len);
    text.clear();
    text.appendDecimal(<u64>Math.floor(max(this.least, 0)));
    setHeader(RESPONSE_HEADERS, this.remainingName, text.ptr, text.len);
    text.clear();
    appendDuration(text, this.resetMs);
    setHeader(RESPONSE_HEADERS, this.resetName, text.ptr, text.len);
  }
}

/** As OpenAI writes durations: `12ms`, `1.5s`, `6m0s`, `1h0m2s`. */
function appendDuration(out: ByteBuffer, milliseconds: u64): void {
  if (milliseconds < MS_PER_SECOND) {
    out.appendDecimal(milliseconds);
    out.appendByte(Char.m);
    out.appendByte(Char.s);
    return;
  }
  const hours = milliseconds / MS_PER_HOUR;
  const minutes = (milliseconds % MS_PER_HOUR) / MS_PER_MINUTE;
  if (hours > 0) {
    out.appendDecimal(hours);
    out.appendByte(Char.h);
  }
  if (hours + minutes > 0) {
    out.appendDecimal(minutes);
    out.appendByte(Char.m);
  }
  out.appendDecimal((milliseconds % MS_PER_MINUTE) / MS_PER_SECOND);
  appendFraction(out, milliseconds % MS_PER_SECOND);
  out.appendByte(Char.s);
}

/** Thousandths behind a point, without zeros at their end. */
function appendFraction(out: ByteBuffer, thousandths: u64): void {
  if (thousandths == 0) return;
  out.appendByte(Char.DOT);
  for (let rest = thousandths, part: u64 = 100; rest > 0; part /= 10) {
    out.appendByte(Char._0 + <u8>(rest / part));
    rest %= part;
  }
}
