import { Bytes } from "./bytes";
import { Slice } from "./headers";

/** Where the query of a path starts, with its question mark; the path's end when it has none. */
export function queryStart(path: Slice): i32 {
  for (let i: i32 = 0; i < path.len; i++) if (load<u8>(path.ptr + i) == 0x3f) return i;
  return path.len;
}

/**
 * Cuts the last parameter `name` out of the query of `path`, in place, and sets `value` to what it held, as it stood (a
 * key needs no percent-encoding). The bytes of `value` lie behind the shortened path.
 * @returns how often the parameter was there
 */
export function cutQueryParameter(path: Slice, name: Bytes, value: Slice): i32 {
  const end = path.ptr + path.len;
  let from = path.ptr + queryStart(path) + 1;
  let found = 0;
  let cutFrom: usize = 0;
  let cutTo: usize = 0;
  while (from < end) {
    let to = from;
    while (to < end && load<u8>(to) != 0x26) to++;
    const nameEnd = from + name.len;
    if (nameEnd < to && load<u8>(nameEnd) == 0x3d && name.equals(from, name.len)) {
      found++;
      cutFrom = from;
      cutTo = to;
    }
    from = to + 1;
  }
  if (found == 0) return 0;
  value.len = <i32>(cutTo - cutFrom) - name.len - 1;
  // What joined it to the rest goes too: the `&` behind it, or the `?` or `&` before it.
  const behind = cutTo < end;
  if (behind) cutTo++;
  else cutFrom--;
  path.len -= <i32>(cutTo - cutFrom);
  rotate(cutFrom, cutTo, end);
  value.ptr = path.ptr + path.len + name.len + (behind ? 1 : 2);
  return found;
}

/** Puts [from, middle) behind [middle, to), by three reversals (Knuth, TAOCP 1, section 2.2). */
function rotate(from: usize, middle: usize, to: usize): void {
  reverse(from, middle);
  reverse(middle, to);
  reverse(from, to);
}

function reverse(from: usize, to: usize): void {
  while (from + 1 < to) {
    to--;
    const c = load<u8>(from);
    store<u8>(from, load<u8>(to));
    store<u8>(to, c);
    from++;
  }
}
