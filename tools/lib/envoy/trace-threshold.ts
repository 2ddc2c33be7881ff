/** Hexadecimal digits of a threshold: beyond them it is zeros. */
const DIGITS = 8;
/** One instruction of RE2, of which Envoy takes a hundred an expression. */
const ANY = "[ -~]";
const BEFORE_LAST_DIGITS = `${ANY}{2}-${ANY}{16}`;

/**
 * The form of a `traceparent` (W3C Trace Context, section 3.2), as far as a sample goes by it: its parts
 * where they belong, and hexadecimal digits at the end of the trace id.
 */
export const TRACEPARENT = `${BEFORE_LAST_DIGITS}[0-9a-f]{16}-${ANY}{16}-${ANY}{2}(?:-.*)?`;

/**
 * A regular expression (RE2) for those of them that are in a sample of `ratio`, by OpenTelemetry's consistent
 * probability sampling: the last 56 bits of the trace id are random, R; those are in the sample with R >= T =
 * (1 - ratio) * 2^56. Every hop that goes by it takes the same traces, and one with a larger ratio takes
 * those of one with a smaller, too.
 * https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
 * @returns undefined when the sample is empty
 */
export function sampledTraceparent(ratio: number): string | undefined {
  const threshold = traceThreshold(ratio);
  if (threshold >= 2 ** 32) return undefined;
  return `${BEFORE_LAST_DIGITS}${ANY}{2}(?:${atLeast(threshold.toString(16).padStart(DIGITS, "0"))}).*`;
}

/**
 * T in units of 2^24: its first 8 hexadecimal digits; 2^32 lets none through. filters/access-log/sampling.ts
 * computes the same.
 */
export function traceThreshold(ratio: number): number {
  return Math.round((1 - ratio) * 2 ** 32);
}

/**
 * For the texts of hexadecimal digits that are not below these: what a digit more than one of these begins,
 * and these themselves.
 */
function atLeast(digits: string): string {
  const [digit = "", ...rest] = digits;
  if (rest.length === 0) return from(digit);
  const tail = atLeast(rest.join(""));
  // Whatever follows zeros is not below them.
  if (/^0*$/.test(rest.join(""))) return from(digit);
  const above = digit === "f" ? "" : `${from((Number.parseInt(digit, 16) + 1).toString(16))}|`;
  return `${above}${digit}(?:${tail})`;
}

function from(digit: string): string {
  if (digit === "f") return "f";
  return /[a-f]/.test(digit) ? `[${digit}-f]` : `[${digit}-9a-f]`;
}
