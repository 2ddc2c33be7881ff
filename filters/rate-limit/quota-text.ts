import { ByteBuffer } from "../sdk/bytes/byte-buffer";
import { Bytes, bytes } from "../sdk/bytes/bytes";
import { Char } from "../sdk/bytes/chars";
import { DAY, HOUR, MINUTE, SECOND, WINDOWS, Windows, windowSeconds } from "./token-bucket";

export const RATELIMIT_POLICY = bytes("ratelimit-policy");
export const RATELIMIT = bytes("ratelimit");

const SECOND_NAME = bytes("-second");
const MINUTE_NAME = bytes("-minute");
const HOUR_NAME = bytes("-hour");
const DAY_NAME = bytes("-day");
const MONTH_NAME = bytes("-month");
const QUOTA = bytes('";q=');
const WINDOW = bytes(";w=");
const REMAINING = bytes('";r=');
const RESET = bytes(";t=");
const NEXT = bytes(", ");

/**
 * The structured fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11. A
 * window is one policy: the limit's name with `-second`, `-minute`, `-hour`, `-day` or `-month` behind it.
 */

/** Appends what a limit allows in each of its windows. */
export function appendPolicies(text: ByteBuffer, name: Bytes, windows: Windows): void {
  for (let w = 0; w < WINDOWS; w++) {
    if (!windows.limited(w)) continue;
    appendName(text, name, w);
    text.appendBytes(QUOTA);
    // Both are whole numbers: half a request a second is one in two.
    const quota = windows.quota(w);
    const length = <f64>windowSeconds(w);
    text.appendDecimal(<u64>max(Math.round(quota), 1));
    text.appendBytes(WINDOW);
    text.appendDecimal(<u64>(quota < 1 ? Math.ceil(length / quota) : length));
  }
}

/** Appends what is left in one window, and in how many seconds there is more. */
export function appendRemaining(
  text: ByteBuffer,
  name: Bytes,
  window: i32,
  remaining: f64,
  seconds: u64,
): void {
  appendName(text, name, window);
  text.appendBytes(REMAINING);
  text.appendDecimal(<u64>max(Math.floor(remaining), 0));
  text.appendBytes(RESET);
  text.appendDecimal(seconds);
}

function appendName(text: ByteBuffer, name: Bytes, window: i32): void {
  if (text.len > 0) text.appendBytes(NEXT);
  text.appendByte(Char.QUOTE);
  text.appendBytes(name);
  text.appendBytes(nameOf(window));
}

function nameOf(window: i32): Bytes {
  if (window == SECOND) return SECOND_NAME;
  if (window == MINUTE) return MINUTE_NAME;
  if (window == HOUR) return HOUR_NAME;
  return window == DAY ? DAY_NAME : MONTH_NAME;
}
