import { Bytes } from "../sdk/bytes/bytes";
import { Char, isDigit, lowerCase } from "../sdk/bytes/chars";

/** Does a task id match a pattern: itself, or a prefix that ends in `*`? */
export function matchesTask(pattern: usize, patternLen: i32, task: usize, len: i32): bool {
  const prefix = patternLen > 0 && load<u8>(pattern + patternLen - 1) == Char.ASTERISK;
  const fixed = prefix ? patternLen - 1 : patternLen;
  return (prefix ? len >= fixed : len == fixed) && memory.compare(pattern, task, fixed) == 0;
}

/**
 * Does a host match a pattern: itself, or `*.suffix`? Letters compare without case; `pattern` is lower case.
 */
export function matchesHost(pattern: Bytes, host: usize, len: i32): bool {
  const wild = pattern.len > 1 && load<u8>(pattern.ptr) == Char.ASTERISK;
  const fixed = wild ? pattern.len - 1 : pattern.len;
  if (wild ? len <= fixed : len != fixed) return false;
  const from = pattern.ptr + (wild ? 1 : 0);
  const at = host + len - fixed;
  for (let i: i32 = 0; i < fixed; i++) {
    if (lowerCase(load<u8>(at + i)) != load<u8>(from + i)) return false;
  }
  return true;
}

/** Length of an authority without its port; an IPv6 address keeps its brackets. */
export function hostLength(authority: usize, len: i32): i32 {
  for (let i = len - 1; i >= 0; i--) {
    const c = load<u8>(authority + i);
    if (c == Char.COLON) return i;
    if (!isDigit(c)) return len;
  }
  return len;
}
