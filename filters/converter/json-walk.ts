/** Steps over valid JSON, from one value to the next. */
import { Char } from "../sdk/bytes/chars";
import { stringEnd } from "../sdk/bytes/json-string";

export function isSpace(c: u8): bool {
  return c == Char.SPACE || c == Char.LF || c == Char.CR || c == Char.TAB;
}

export function afterSpace(at: usize): usize {
  while (isSpace(load<u8>(at))) at++;
  return at;
}

/** The next element or key, or the closing bracket. */
export function afterComma(at: usize): usize {
  at = afterSpace(at);
  return load<u8>(at) == Char.COMMA ? afterSpace(at + 1) : at;
}

/** Elements of the array at `at`. */
export function elementCount(at: usize): i32 {
  let count = 0;
  let each = afterSpace(at + 1);
  for (; load<u8>(each) != Char.CLOSE_BRACKET; each = afterComma(afterValue(each))) count++;
  return count;
}

/** The byte after a valid value. */
export function afterValue(at: usize): usize {
  const first = load<u8>(at);
  if (first == Char.QUOTE) return stringEnd(at, usize.MAX_VALUE) + 1;
  if (first != Char.OPEN_BRACE && first != Char.OPEN_BRACKET) {
    for (
      let c = load<u8>(at);
      c != 0 && c != Char.COMMA && c != Char.CLOSE_BRACKET && c != Char.CLOSE_BRACE && !isSpace(c);
      c = load<u8>(++at)
    ) {}
    return at;
  }
  let depth = 0;
  do {
    const c = load<u8>(at);
    if (c == Char.QUOTE) at = stringEnd(at, usize.MAX_VALUE);
    else if (c == Char.OPEN_BRACE || c == Char.OPEN_BRACKET) depth++;
    else if (c == Char.CLOSE_BRACE || c == Char.CLOSE_BRACKET) depth--;
    at++;
  } while (depth > 0);
  return at;
}
